import { LEVELS, type Level } from '../record.ts'

/** Other words for levels that queries may use. */
const OTHERS: ReadonlyMap<string, Level> = new Map([
  ['information', 'info'],
  ['notice', 'info'],
  ['warning', 'warn'],
  ['err', 'error'],
  ['critical', 'fatal'],
  ['crit', 'fatal'],
  ['panic', 'fatal'],
  ['emerg', 'fatal'],
])

/** The level that a word in a query means, undefined for any other word. */
export function levelNamed(word: string): Level | undefined {
  const lower = word.toLowerCase()
  return LEVELS.find((level) => level === lower) ?? OTHERS.get(lower)
}
