import { comparePositions, positionOf, type StoredRecord } from '../../shared/record.ts'
import { lineMatches } from '../query/filter.ts'
import { matcherOf } from '../query/matches.ts'
import type { Filter, Query } from '../query/query.ts'
import { greater } from '../store/bigint.ts'
import type { Store } from '../store/store.ts'
import { eventRecord, eventsOf, SPAN } from './group.ts'

/** Finds events as `Store.search` finds lines, in ascending order: the query's text is looked for in all lines of an event. */
export async function* searchEvents(
  store: Pick<Store, 'search'>,
  query: Omit<Query, 'newest' | 'perTask'>,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredRecord[]> {
  const { after, limit = Number.POSITIVE_INFINITY, since, ...walk } = query
  // Lines behind the place to go on may belong to an event before it.
  const from = after === undefined ? since : greater(since ?? after.time - SPAN, after.time - SPAN)
  const lines = store.search(
    { ...walk, order: 'asc', filter: streamsOf(query.filter), ...(from !== undefined && { since: from }) },
    signal,
  )
  let left = limit
  for await (const events of eventsOf(lines)) {
    const found = events.map(eventRecord).filter((event) => {
      return (after === undefined || comparePositions(positionOf(event), after) > 0) && lineMatches(query.filter, event)
    })
    if (found.length > 0) yield found.slice(0, left)
    left -= found.length
    if (left <= 0) return
  }
}

/** Takes all lines of the streams of which some may match: what is asked of a line may stand in another one of its event. */
function streamsOf(filter: Filter): Filter {
  const { where, ...others } = filter
  const { accepts } = filter
  const all = { ...others, grep: '' }
  if (where === undefined) return all
  const { stream: verdict } = matcherOf(where)
  return { ...all, accepts: (stream) => (accepts?.(stream) ?? true) && verdict(stream) !== false }
}
