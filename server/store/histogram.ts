import { SwarmlogsError } from '../../shared/errors.ts'
import { SHORT_NAMES } from '../../shared/fields.ts'
import type { LogStream } from '../../shared/record.ts'

/** A histogram holds so many counts at most: buckets, times what is counted apart in them. */
export const MAX_COUNTS = 30_000

/** What 64 bits of nanoseconds hold. */
const MAX_INTERVAL = 2n ** 63n - 1n

/** What can be counted apart in each bucket. */
export type HistogramKey = 'none' | 'level' | 'source' | keyof typeof SHORT_NAMES
export const HISTOGRAM_KEYS: readonly HistogramKey[] = [
  ...(['none', 'level', 'source'] as const),
  ...(Object.keys(SHORT_NAMES) as (keyof typeof SHORT_NAMES)[]),
]

/** Which histogram is wanted. */
export interface HistogramWish {
  /** Length of a bucket in nanoseconds, at least 1; buckets begin at its multiples since 1970, or since `origin`. */
  readonly interval: bigint
  /** From 0 to less than the interval. */
  readonly origin?: bigint
  readonly by: HistogramKey
}

/** What one bucket has. */
export interface HistogramBucket {
  /** Nanoseconds since 1970. */
  readonly start: bigint
  /** By level, source or label, '' for lines without; with `none` all are under ''. */
  readonly counts: ReadonlyMap<string, number>
}

/** Gathers counts into a histogram. */
export class Histogram {
  readonly #interval: bigint
  readonly #origin: bigint
  readonly #buckets = new Map<bigint, Map<string, number>>()
  #counts = 0

  /** Throws SWARMLOGS_USAGE when the interval is none that can be counted by. */
  constructor({ interval, origin = 0n }: HistogramWish) {
    if (interval < 1n || interval > MAX_INTERVAL)
      throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot count by this interval: give one from 1 ns to 292 years')
    this.#interval = interval
    this.#origin = origin
  }

  /** Adds to the bucket that has this time. Throws SWARMLOGS_USAGE when that makes too many counts. */
  add(time: bigint, key: string, count: number): void {
    const rest = (time - this.#origin) % this.#interval
    const start = time - rest - (rest < 0n ? this.#interval : 0n)
    const bucket = this.#buckets.get(start) ?? new Map<string, number>()
    this.#buckets.set(start, bucket)
    const known = bucket.get(key)
    if (known === undefined && ++this.#counts > MAX_COUNTS) throw tooMany()
    bucket.set(key, (known ?? 0) + count)
  }

  /** Adds what was gathered by the same wish. */
  merge(buckets: readonly HistogramBucket[]): void {
    for (const { start, counts } of buckets) for (const [key, count] of counts) this.add(start, key, count)
  }

  /** What was gathered, in order, so that it is the same whoever counted; what was taken back is not in it. */
  buckets(): HistogramBucket[] {
    const all = [...this.#buckets].sort(([a], [b]) => (a < b ? -1 : 1))
    return all.flatMap(([start, counts]) => {
      const present = [...counts].filter(([, count]) => count !== 0).sort(([a], [b]) => (a < b ? -1 : 1))
      return present.length === 0 ? [] : [{ start, counts: new Map(present) }]
    })
  }
}

/** What the lines of a stream are counted under, where that does not depend on the line. */
export function streamKey(stream: LogStream, by: HistogramKey): string {
  if (by === 'none' || by === 'level' || by === 'source') return ''
  const value = stream[SHORT_NAMES[by]]
  return value === 0 ? '' : String(value)
}

function tooMany(): SwarmlogsError {
  const message = `cannot make a histogram of more than ${MAX_COUNTS} counts: give a longer interval, or ask about less time or fewer lines`
  return new SwarmlogsError('SWARMLOGS_USAGE', message)
}
