import { SwarmlogsError } from '../../shared/errors.ts'
import { formatTime, parseDuration, parseTime } from '../../shared/time.ts'

const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?$/
const STEP = /^([+-])(.+)$/
const NS_PER_MS = 1_000_000n
const DAY_NS = 86_400_000_000_000n

/**
 * Reads where to go: `10:02` on the day of the line one is at (`here`, RFC 3339), `-10m` and `+10m` from that line, `10m` ago, and all
 * other forms of --since. Throws SWARMLOGS_USAGE.
 */
export function jumpTime(text: string, here: string, nowMs: number, zone: string): string {
  const now = BigInt(nowMs) * NS_PER_MS
  const from = parseTime(here, now, 'UTC')
  const [, sign, length = ''] = STEP.exec(text) ?? []
  if (sign !== undefined) return formatTime(from + (sign === '-' ? -1n : 1n) * parseDuration(length))
  const [, hour, minute = '', second = '00', fraction = ''] = CLOCK.exec(text) ?? []
  if (hour === undefined) return formatTime(parse(text, now, zone))
  const time = parse(`${dayOf(here, zone)}T${hour.padStart(2, '0')}:${minute}:${second}${fraction}`, now, zone)
  // Of a time that is still to come, yesterday's is meant.
  return formatTime(time > now ? time - DAY_NS : time)
}

function parse(text: string, now: bigint, zone: string): bigint {
  try {
    return parseTime(text, now, zone)
  } catch (cause) {
    const message = `cannot go to '${text}': give 10:02, -10m (from here), 10m (ago), 2026-11-21T04:00, yesterday`
    throw new SwarmlogsError('SWARMLOGS_USAGE', message, { cause })
  }
}

function dayOf(time: string, timeZone: string): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone }).format(new Date(time))
}
