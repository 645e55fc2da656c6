import { compileRegex, type Regex } from '../../shared/query/regex.ts'
import type { Matcher } from './logql/tree.ts'
import { refused } from './refuse.ts'

/** Longest regex. */
const MAX_REGEX_CHARS = 4_096

/** A regex that takes linear time, found anywhere in a text. Throws a Problem (400) that says what is wrong with it. */
export function searchRegex(source: string): Regex {
  if (source.length > MAX_REGEX_CHARS)
    throw refused(`cannot search by a regex of over ${MAX_REGEX_CHARS} characters: shorten it`)
  try {
    return compileRegex(source, false)
  } catch (cause) {
    const { message } = cause as Error
    throw refused(`cannot read the regex '${source.slice(0, 200)}': ${message}; RE2 is spoken here`, { cause })
  }
}

/** The same for a text as a whole. */
function wholeRegex(source: string): Regex {
  searchRegex(source)
  return compileRegex(`\\A(?s:${source})\\z`, false)
}

/** Whether a label's value, '' when it is missing, meets the matcher. */
export function compileMatcher({ by, value }: Matcher): (labelValue: string) => boolean {
  if (by === '=') return (text) => text === value
  if (by === '!=') return (text) => text !== value
  const regex = wholeRegex(value)
  return by === '=~' ? regex : (text) => !regex(text)
}
