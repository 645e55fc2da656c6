import { lower } from './filter.ts'
import type { Filter } from './query.ts'

/** Texts, in lower case, all of which are in the message of every line that the filter takes: by them a store can pass over lines unread. */
export function requiredTexts(filter: Filter): readonly string[] {
  return filter.grep === '' ? [] : [lower(filter.grep)]
}
