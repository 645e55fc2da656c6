import { RE2JS } from 're2js'
import type { Matcher } from './logql/tree.ts'
import { refused } from './refuse.ts'

/** Longest regex, and most bytes of memory that one may take. */
const MAX_REGEX_CHARS = 4_096

/** A regex that takes linear time. Throws a Problem (400) that says what is wrong with it. */
export function compileRegex(source: string): { test(text: string): boolean; matches(text: string): boolean } {
  if (source.length > MAX_REGEX_CHARS)
    throw refused(`cannot search by a regex of over ${MAX_REGEX_CHARS} characters: shorten it`)
  try {
    const regex = RE2JS.compile(source)
    return { test: (text) => regex.test(text), matches: (text) => regex.testExact(text) }
  } catch (cause) {
    throw refused(`cannot read the regex '${source.slice(0, 200)}': ${(cause as Error).message}; RE2 is spoken here`, {
      cause,
    })
  }
}

/** Whether a label's value, '' when it is missing, meets the matcher. */
export function compileMatcher({ by, value }: Matcher): (labelValue: string) => boolean {
  if (by === '=') return (text) => text === value
  if (by === '!=') return (text) => text !== value
  const regex = compileRegex(value)
  return by === '=~' ? (text) => regex.matches(text) : (text) => !regex.matches(text)
}
