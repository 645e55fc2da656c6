import { parseDuration } from '../../shared/time.ts'
import { greater, smaller } from '../store/bigint.ts'
import type { StreamSummary } from '../store/store.ts'

/** So many buckets a histogram has at most when its interval was left to us. */
const BUCKETS = 60n
const NICE = ['1ms', '10ms', '100ms', '1s', '2s', '5s', '10s', '15s', '30s', '1m', '2m', '5m', '10m', '15m', '30m']
const LONG = ['1h', '2h', '3h', '6h', '12h', '1d', '2d', '7d', '30d', '90d', '365d']
const STEPS = [...NICE, ...LONG].map((text) => ({ text, length: parseDuration(text) }))

/** A length of buckets, as it was asked for or as we found it. */
export interface Interval {
  readonly text: string
  /** Nanoseconds. */
  readonly length: bigint
}

/** The shortest plain interval that makes few buckets of a time range. */
export function plainInterval(from: bigint, to: bigint): Interval {
  const found = STEPS.find(({ length }) => to - from <= length * BUCKETS) ?? STEPS.at(-1)
  if (found === undefined) throw new Error('BUG: there are intervals')
  return found
}

/** The time that a histogram is drawn over: what was asked for, as far as there can be lines; clocks that are wrong by years do not count. */
export function drawnRange(
  asked: { readonly since?: bigint; readonly until?: bigint },
  matched: readonly StreamSummary[],
  known: { readonly begins: bigint; readonly now: bigint },
): { from: bigint; to: bigint } {
  const to = smaller(asked.until ?? known.now, known.now)
  const oldest = matched.map(({ first }) => greater(first, known.begins)).reduce(smaller, to)
  return { from: greater(asked.since ?? oldest, oldest), to }
}
