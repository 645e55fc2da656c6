import type { GapBounds, GapReason } from '../../shared/gap.ts'
import type { Line, LineTime } from '../lines.ts'
import type { Span } from './piece.ts'
import type { Position } from './place.ts'

/** The two sources' lines are written a little out of the order of their times; further apart they are for other reasons. */
const DISORDER_NS = 1_000_000_000n

/** A time in nanoseconds since 1970. */
export function nanosOf([seconds, nanos]: LineTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos)
}

/** Back to a line's time. */
export function timeOf(nanos: bigint): LineTime {
  return [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)]
}

/** The time of a line, nanoseconds since 1970. */
export function nanosOfLine({ seconds, nanos }: Line): bigint {
  return nanosOf([seconds, nanos])
}

/** The agent's clock, nanoseconds since 1970: where no line tells how far a gap goes. */
export function nanosNow(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}

/** From when on lines behind a position are: the time of the last line before it, `born` when there is none. */
export function takenUpTo({ last }: Position, born: bigint): bigint {
  const times = Object.values(last).map(([seconds, nanos]) => nanosOf([seconds, nanos]))
  if (times.length === 0) return born
  const [first, ...others] = times.toSorted((a, b) => (a < b ? -1 : 1)) as [bigint, ...bigint[]]
  const newest = others.at(-1) ?? first
  return newest - first < DISORDER_NS ? first : newest
}

/** Up to when lines before a place are, given the times of each source's first line behind it: the newer one, unless that source was silent for long. */
export function leftUpTo(firsts: readonly bigint[]): bigint {
  const sorted = firsts.toSorted((a, b) => (a < b ? -1 : 1))
  const [oldest = 0n, newest = oldest] = [sorted[0], sorted.at(-1)]
  return newest - oldest < DISORDER_NS ? newest : oldest
}

/** What is lost between two times but for the lines of a span; when the clock stepped back between them, in whatever order. */
export function gapsAround(span: Span | undefined, from: bigint, to: bigint, reason: GapReason): GapBounds[] {
  if (span === undefined || from > to) return [gapBetween(from, to, reason)]
  const [first, last] = [BigInt(span.from), BigInt(span.to)]
  if (first > last || first >= to || last <= from) return [gapBetween(from, to, reason)]
  return [
    ...(from < first ? [gapBetween(from, first, reason)] : []),
    ...(last < to ? [gapBetween(last, to, reason)] : []),
  ]
}

/** What is lost between two times; when the clock stepped back between them, in whatever order. */
export function gapBetween(from: bigint, to: bigint, reason: GapReason, atLeast = 0): GapBounds {
  return from <= to ? { from, to, reason, atLeast } : { from: to, to: from, reason, atLeast }
}

/** From when on a container's lines are wanted at its first sight. */
export function oldestWanted(born: bigint, horizon: LineTime): bigint {
  const wanted = nanosOf(horizon)
  if (wanted < born) return born
  return wanted
}

/** Lines that are not read because they are older than the horizon. */
export function horizonGap(born: bigint, horizon: LineTime): GapBounds {
  return gapBetween(born, nanosOf(horizon) - 1n, 'horizon', 1)
}

/**
 * What may be lost when a position is not in the log any more, and the log begins with a line of that time now. If that is before the
 * position, the engine's clock stepped back: nobody can tell then which lines are missing.
 */
export function rotatedGap(taken: bigint, first: bigint): GapBounds {
  return gapBetween(taken, first, first < taken ? 'clock' : 'rotated')
}
