import { greater, smaller } from '../store/bigint.ts'
import { refused } from './refuse.ts'

/** More points in time than Loki answers at once. */
const MAX_POINTS = 11_000

/** The points in time that numbers are wanted at, in nanoseconds since 1970; both ends count. */
export interface Steps {
  readonly start: bigint
  readonly step: bigint
  readonly count: number
}

/** The points from start to end. Throws a Problem (400) when there are too many. */
export function stepsOf(start: bigint, end: bigint, step: bigint): Steps {
  const count = (end - start) / step + 1n
  if (count <= BigInt(MAX_POINTS) + 1n) return { start, step, count: Number(count) }
  throw refused(`cannot answer with more than ${MAX_POINTS} points in time: give a longer step`)
}

/** At each step, a window of time that ends with it: (step - range, step]. */
export interface Windows extends Steps {
  readonly range: bigint
}

/** Which windows have this time: the first and the last; undefined when none does. */
export function windowsWith({ start, step, count, range }: Windows, time: bigint): [number, number] | undefined {
  const first = clip(ceil(time - start, step), count)
  const last = clip(ceil(time + range - start, step) - 1n, count)
  return first > last || first >= count || last < 0 ? undefined : [Math.max(first, 0), Math.min(last, count - 1)]
}

/** The times that some window has: from (inclusive) and to (exclusive). */
export function spanOf({ start, step, count, range }: Windows): { since: bigint; until: bigint } {
  return { since: storable(start - range + 1n), until: storable(start + step * BigInt(count - 1) + 1n) }
}

/** The time, or the first or last one that lines can have: what 64 bits of nanoseconds hold. */
export function storable(time: bigint): bigint {
  return smaller(greater(time, -(2n ** 63n)), 2n ** 63n - 1n)
}

/** The longest intervals of which each window has either all or nothing, and where they begin (modulo their length). */
export function intervalOf({ start, step, count, range }: Windows): { interval: bigint; origin: bigint } {
  const interval = count === 1 ? range : gcd(step, range)
  return { interval, origin: (((start + 1n) % interval) + interval) % interval }
}

function ceil(value: bigint, by: bigint): bigint {
  return value > 0n ? (value + by - 1n) / by : value / by
}

function clip(value: bigint, count: number): number {
  if (value < -1n) return -1
  return value > BigInt(count) ? count : Number(value)
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b)
}
