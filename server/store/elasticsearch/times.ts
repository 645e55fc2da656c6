import { formatTime } from '../../../shared/time.ts'

/** The ends of time, 1677 and 2262: what 64 bits of nanoseconds hold. */
export const MAX_TIME = 2n ** 63n - 1n
export const MIN_TIME = -MAX_TIME

/** The time as it can be stored and found again: those beyond the ends move to them (the last moment is never reached: ranges exclude their end). */
export function clampTime(time: bigint): bigint {
  if (time >= MAX_TIME) return MAX_TIME - 1n
  return time < MIN_TIME ? MIN_TIME : time
}

/** A time as `@timestamp` has it: that type begins in 1970, so what is before stands there and in a field of its own. */
export function timestampOf(time: bigint): string {
  return formatTime(time < 0n ? 0n : time)
}

let readSecond = ''
let readNs = 0n

/** Reads what `timestampOf` wrote: always nine digits. */
export function timeOf(timestamp: string): bigint {
  const second = timestamp.slice(0, 19)
  // Neighbouring lines mostly share their second.
  if (second !== readSecond) {
    readNs = BigInt(Date.parse(`${second}Z`)) * 1_000_000n
    readSecond = second
  }
  return readNs + BigInt(timestamp.slice(20, 29))
}
