import type { HistogramBucket, HistogramWish } from '../../../server/store/histogram.ts'
import type { Facet } from '../../../server/store/store.ts'
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
    const { service, nodeName: node, stack, taskName: task, containerName: container, image, tag } = stream
    const slot = stream.slot === 0 ? '' : String(stream.slot)
    const key = { none: '', level, source, service, node, stack, task, slot, container, image, tag }[by]
    const shifted = time - origin
    const start = (shifted / interval - (shifted % interval < 0n ? 1n : 0n)) * interval + origin
    const counts = buckets.get(start) ?? {}
    buckets.set(start, { ...counts, [key]: (counts[key] ?? 0) + 1 })
  }
  return [...buckets].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Facets as tests compare them: container, source, level and count of each. */
export function readableFacets(facets: readonly Facet[]): unknown[] {
  return facets.map(({ stream, source, level, records }) => [stream.containerId, source, level, records]).sort()
}

/** What facets mean, said over a list. */
export function plainFacets(records: readonly StoredRecord[]): unknown[] {
  const groups = Map.groupBy(records, ({ stream, source, level }) =>
    JSON.stringify([stream.containerId, source, level]),
  )
  return [...groups].map(([key, group]) => [...JSON.parse(key), group.length]).sort()
}
