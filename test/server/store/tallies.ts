import type { HistogramBucket, HistogramWish } from '../../../server/store/histogram.ts'
import type { StoredRecord } from '../../../shared/record.ts'

/** A histogram as tests compare it: start and counts of each bucket. */
export function readable(buckets: readonly HistogramBucket[]): unknown[] {
  return buckets.map(({ start, counts }) => [start, Object.fromEntries(counts)])
}

/** What a histogram means, said over a list. */
export function plainHistogram(
  records: readonly StoredRecord[],
  { interval, by, origin = 0n }: HistogramWish,
): unknown[] {
  const buckets = new Map<bigint, Record<string, number>>()
  for (const { time, level, source, stream } of records) {
    const key = { none: '', level, source, service: stream.service, node: stream.nodeName }[by]
    const shifted = time - origin
    const start = (shifted / interval - (shifted % interval < 0n ? 1n : 0n)) * interval + origin
    const counts = buckets.get(start) ?? {}
    buckets.set(start, { ...counts, [key]: (counts[key] ?? 0) + 1 })
  }
  return [...buckets].sort(([a], [b]) => (a < b ? -1 : 1))
}
