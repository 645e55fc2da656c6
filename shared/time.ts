import { SwarmlogsError } from './errors.ts'
import { fromLocalMs, offsetMs } from './zone.ts'

const NS_PER_SECOND = 1_000_000_000n
const NS_PER_MS = 1_000_000n
const MS_PER_DAY = 86_400_000
/** What 64 bits of nanoseconds hold, 1677 to 2262: times beyond are moved to its ends, where "since 0001-01-01" still means all. */
const MIN_TIME = -(2n ** 63n)
const MAX_TIME = 2n ** 63n - 1n

const DURATION_UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
}
const DURATION = /^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h|d|w))+$/
const DURATION_PART = /(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h|d|w)/g

const SIZE_UNITS = ['', 'k', 'm', 'g', 't', 'p']
const SIZE = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)(i?b)?$/i

const FORMS =
  'right are 2026-11-21T04:00:00.5Z, 2026-11-21T04:00:00+01:00, 2026-11-21T04:00, 2026-11-21, seconds since 1970 with ' +
  'up to nine digits of fraction (1795233600.5), how long ago (10m, 1m30s, 1.5h, 300ms, 2d, 1w), now, today, yesterday'

const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?)?(Z|[+-]\d\d:\d\d)?$/i
const UNIX = /^(\d{1,19})(?:\.(\d{1,9}))?$/

/**
 * Reads a time as docker's --since and --until take it, and `now`, `today`, `yesterday`, `2d`, `1w`; a duration means so long before `now`.
 * Nanoseconds since 1970. Forms without a zone are in `timeZone` (IANA name): of a time that a clock change repeats the first one is meant,
 * one that it skips is moved on by what was skipped. Throws SWARMLOGS_USAGE, which lists the right forms.
 */
export function parseTime(text: string, now: bigint, timeZone: string): bigint {
  const time =
    parseWord(text.toLowerCase(), now, timeZone) ?? parseUnix(text) ?? parseDate(text, timeZone) ?? parseAgo(text, now)
  if (time === undefined) throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot read the time '${text}': ${FORMS}`)
  return clamp(time)
}

/**
 * Reads a Go duration (1m30s, 1.5h, 300ms), `d` (24 h) and `w` (7 d) included, and `0`; nanoseconds, rounded down.
 * Throws SWARMLOGS_USAGE, also when it is over 292 years.
 */
export function parseDuration(text: string): bigint {
  if (text === '0') return 0n
  if (text.length > 100 || !DURATION.test(text)) {
    throw new SwarmlogsError(
      'SWARMLOGS_USAGE',
      `cannot read the duration '${text}': right are 300ms, 10s, 1m30s, 1.5h, 2d, 1w`,
    )
  }
  let total = 0n
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(DURATION_PART)) {
    const unitNs = DURATION_UNITS[unit] ?? 0n
    total += BigInt(whole) * unitNs + (BigInt(fraction) * unitNs) / 10n ** BigInt(fraction.length)
  }
  if (total <= MAX_TIME) return total
  throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use the duration '${text}': it is over 292 years`)
}

/**
 * Reads a size in bytes: `20GiB`, `20g` and `20G` are powers of 1024 as docker's --memory takes them, `20GB` is one of 1000; a bare number is bytes.
 * Throws SWARMLOGS_USAGE, also when it is too large to be counted exactly.
 */
export function parseSize(text: string): number {
  const [, amount = '', prefix = '', suffix = ''] = SIZE.exec(text) ?? []
  const isDecimal = suffix.toLowerCase() === 'b'
  const unit = (isDecimal ? 1000 : 1024) ** SIZE_UNITS.indexOf(prefix.toLowerCase())
  const bytes = Math.floor(Number(amount) * unit)
  if (amount !== '' && (prefix !== '' || suffix.length < 2) && Number.isSafeInteger(bytes)) return bytes
  throw new SwarmlogsError(
    'SWARMLOGS_USAGE',
    `cannot read the size '${text}': right are 1073741824, 512MiB, 20GiB, 1.5g, 20GB`,
  )
}

let formattedSecond = 0n
let formattedText = ''

/** Writes nanoseconds since 1970 as RFC 3339 in UTC with nine digits: 2026-11-21T04:00:00.000000001Z. */
export function formatTime(time: bigint): string {
  let nanos = Number(time - formattedSecond)
  // Neighbouring lines mostly share their second; toISOString is the dear part, and bigints are dear to divide.
  if (formattedText === '' || nanos < 0 || nanos >= 1e9) {
    const rest = time % NS_PER_SECOND
    formattedSecond = time - (rest < 0n ? rest + NS_PER_SECOND : rest)
    formattedText = new Date(Number(formattedSecond / NS_PER_MS)).toISOString().slice(0, -4)
    nanos = Number(time - formattedSecond)
  }
  return `${formattedText}${String(nanos).padStart(9, '0')}Z`
}

function parseWord(word: string, now: bigint, timeZone: string): bigint | undefined {
  if (word === 'now') return now
  if (word !== 'today' && word !== 'yesterday') return undefined
  const nowMs = Number(now / NS_PER_MS)
  const localMs = nowMs + offsetMs(nowMs, timeZone)
  const midnightMs = Math.floor(localMs / MS_PER_DAY) * MS_PER_DAY
  return BigInt(fromLocalMs(word === 'today' ? midnightMs : midnightMs - MS_PER_DAY, timeZone)) * NS_PER_MS
}

function parseUnix(text: string): bigint | undefined {
  const match = UNIX.exec(text)
  if (match === null) return undefined
  const [, seconds = '', fraction = ''] = match
  return BigInt(seconds) * NS_PER_SECOND + BigInt(fraction.padEnd(9, '0'))
}

function parseAgo(text: string, now: bigint): bigint | undefined {
  const sign = text.startsWith('-') ? -1n : 1n
  try {
    return now - sign * parseDuration(text.replace(/^[+-]/, ''))
  } catch {
    return undefined
  }
}

function parseDate(text: string, timeZone: string): bigint | undefined {
  const match = DATE.exec(text)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0))
  const [fraction = '', zone] = match.slice(7)
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined
  if (hour > 23 || minute > 59 || second > 59) return undefined
  if (year < 1678) return MIN_TIME
  if (year > 2261) return MAX_TIME
  const zoneMs = zone === undefined ? undefined : parseZone(zone)
  if (Number.isNaN(zoneMs)) return undefined
  const localMs = Date.UTC(year, month - 1, day, hour, minute, second)
  const ms = zoneMs === undefined ? fromLocalMs(localMs, timeZone) : localMs - zoneMs
  return BigInt(ms) * NS_PER_MS + BigInt(fraction.slice(0, 9).padEnd(9, '0'))
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
}

/** Offset from UTC of `Z` or `+01:00`; NaN when it is none. */
function parseZone(zone: string): number {
  if (zone.length === 1) return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = Number(zone.slice(4))
  if (hours > 23 || minutes > 59) return Number.NaN
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000
}

function clamp(time: bigint): bigint {
  if (time < MIN_TIME) return MIN_TIME
  return time > MAX_TIME ? MAX_TIME : time
}
