import { greater, smaller } from '../bigint.ts'
import type { HistogramWish } from '../histogram.ts'
import type { Slice } from './slices.ts'
import { big, type Conditions, inSlice, select } from './sql.ts'

/** By what lines are counted: an integer. */
export interface Grouping {
  /** Of the line. */
  readonly sql: string
  /** The same of one of the stream with this place among those chosen, by the stored numbers of level and source. */
  readonly of: (line: { readonly index: number; readonly level: number; readonly source: number }) => number
}

/** How lines are counted. */
export interface CountWish {
  readonly group: Grouping
  /** Apart in these buckets of time; absent means together. */
  readonly buckets?: Pick<HistogramWish, 'interval' | 'origin'>
}

/** A statement has so many selects at most. */
const MAX_SELECTS = 64

/** The lines of a slice, counted: a time of the bucket, the group, how many. */
export function countsSql(slice: Slice, conditions: Conditions, { group: { sql: group }, buckets }: CountWish): string {
  if (buckets === undefined) return grouped(slice, conditions, group, { time: '0::BIGINT', start: 't' })
  const cut = isPlain(conditions) ? cutAt(slice, buckets) : undefined
  if (cut === undefined) return grouped(slice, conditions, group, bucketOf(buckets, slice.from))
  return cut.flatMap((one) => bySelect(one, conditions, group)).join(' UNION ALL ')
}

/** What lines are grouped by, and the bucket's time made of that. */
interface Bucket {
  readonly time: string
  readonly start: string
}

function grouped(slice: Slice, conditions: Conditions, group: string, { time, start }: Bucket): string {
  const selects = slice.parts.map((part) =>
    select(part, conditions, [`${time} AS t`, `${group} AS g`], inSlice(part, slice, conditions), slice),
  )
  return `SELECT ${start}, g::INTEGER, count(*) FROM (${selects.join(' UNION ALL ')}) GROUP BY t, g`
}

/** To divide the time of each line takes longer than all else, so that is done once where it can be. */
function bucketOf({ interval, origin = 0n }: Pick<HistogramWish, 'interval' | 'origin'>, from: bigint): Bucket {
  const since = `(l.time - ${big(origin)})`
  if (from >= origin) return { time: `${since} // ${big(interval)}`, start: `t * ${big(interval)} + ${big(origin)}` }
  const rest = `${since} % ${big(interval)}`
  // Of a bucket any time will do, but for times before its origin `%` gives those of the next one.
  return { time: `l.time - ${rest} - CASE WHEN ${rest} < 0 THEN 1 ELSE 0 END`, start: 't' }
}

/** Whether a line is not looked at but for its labels, so that its times decide how long that takes. */
function isPlain({ hasGrep, where }: Conditions): boolean {
  return !hasGrep && where === undefined
}

/** The slice, cut into one for each bucket; undefined where these are too many. */
function cutAt(
  slice: Slice,
  { interval, origin = 0n }: Pick<HistogramWish, 'interval' | 'origin'>,
): Slice[] | undefined {
  const { from, to, parts } = slice
  if (((to - from) / interval + 2n) * BigInt(parts.length) > MAX_SELECTS) return undefined
  const rest = (from - origin) % interval
  const cut: Slice[] = []
  for (let start = from - rest - (rest < 0n ? interval : 0n); start < to; start += interval) {
    const [begin, end] = [greater(start, from), smaller(start + interval, to)]
    cut.push({ ...slice, from: begin, to: end, parts: parts.filter(({ first, last }) => first < end && last >= begin) })
  }
  return cut
}

function bySelect(slice: Slice, conditions: Conditions, group: string): string[] {
  return slice.parts.map((part) => {
    const lines = select(part, conditions, [`${group} AS g`], inSlice(part, slice, conditions), slice)
    return `SELECT ${big(slice.from)} AS t, g::INTEGER, count(*) FROM (${lines}) GROUP BY g`
  })
}
