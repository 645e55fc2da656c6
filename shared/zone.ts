import { SwarmlogsError } from './errors.ts'

const MS_PER_DAY = 86_400_000

/**
 * The instant (ms since 1970) at which clocks in `timeZone` (IANA name) show `localMs` (written as if it were UTC): the first of two where a
 * clock change repeats it, and where one skips it, moved on by what was skipped. Throws SWARMLOGS_USAGE for an unknown zone.
 */
export function fromLocalMs(localMs: number, timeZone: string): number {
  // No zone changes twice within two days, so the offsets of a day before and a day after are all that can hold.
  const before = offsetMs(localMs - MS_PER_DAY, timeZone)
  const after = offsetMs(localMs + MS_PER_DAY, timeZone)
  const fits = [localMs - before, localMs - after].filter((ms) => ms + offsetMs(ms, timeZone) === localMs)
  return fits.length === 0 ? localMs - before : Math.min(...fits)
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** How far (ms) clocks in `timeZone` are ahead of UTC at an instant (ms since 1970). Throws SWARMLOGS_USAGE for an unknown zone. */
export function offsetMs(ms: number, timeZone: string): number {
  if (timeZone === 'UTC') return 0
  const parts: Record<string, number> = {}
  for (const { type, value } of formatOf(timeZone).formatToParts(ms)) parts[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known !== undefined) return known
  const numeric = 'numeric'
  const fields = {
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  } as const
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', calendar: 'gregory', ...fields })
    // There are some 600 names, but offsets such as +01:23 count too: the bound keeps a hostile client from filling memory.
    if (formats.size >= 1000) formats.clear()
    formats.set(timeZone, format)
    return format
  } catch (cause) {
    const message = `cannot use the time zone '${timeZone}': give an IANA name such as Europe/Berlin or UTC`
    throw new SwarmlogsError('SWARMLOGS_USAGE', message, { cause })
  }
}
