import { SwarmlogsError } from '../../../shared/errors.ts'

const DAY_MS = 86_400_000
/** Far more than anyone has. */
const MAX_DAYS = 10_000

/** UTC days, oldest first, of `2026-11-19` and `2026-11-17..2026-11-19`. Throws SWARMLOGS_USAGE. */
export function readDays(texts: readonly string[]): string[] {
  const days = new Set<string>()
  for (const text of texts) {
    const range = parseDays(text)
    if (range === undefined) {
      throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use '${text}' for a day: give 2026-11-19, or FROM..TO`)
    }
    for (const day of range) days.add(day)
  }
  return [...days].sort()
}

/** What `readDays` makes of one text; undefined when it is no day. Throws SWARMLOGS_USAGE. */
export function parseDays(text: string): readonly string[] | undefined {
  const [from = '', to = from, ...more] = text.split('..')
  const [first, last] = [timeOf(from), timeOf(to)]
  if (first === undefined || last === undefined || more.length > 0) return undefined
  return daysFrom(first, last, text)
}

/** The days of times in ms since 1970, both ends inclusive. Throws SWARMLOGS_USAGE. @param text as messages name them */
export function daysFrom(first: number, last: number, text: string): readonly string[] {
  const [from, to] = [Math.floor(first / DAY_MS), Math.floor(last / DAY_MS)]
  if (to < from) throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use '${text}': it ends before it begins`)
  if (to - from >= MAX_DAYS)
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use '${text}': give at most ${MAX_DAYS} days`)
  return Array.from({ length: to - from + 1 }, (_, index) =>
    new Date((from + index) * DAY_MS).toISOString().slice(0, 10),
  )
}

function timeOf(day: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) return undefined
  const time = Date.parse(day)
  // 2026-02-30 is the 2nd of March to some.
  return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== day ? undefined : time
}
