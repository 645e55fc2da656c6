import { comparePositions, type Position, positionOf } from '../../shared/record.ts'
import { matcherOf } from '../query/matches.ts'
import type { Filter, Scope } from '../query/query.ts'
import { eventsOf } from './group.ts'
import { BEFORE, SPAN } from './limits.ts'
import type { Lines } from './lines.ts'
import { type EventRecord, eventMatches, eventRecord } from './record.ts'

/** The events that begin within a range of time, and behind a place, in ascending order. */
export async function* eventsFrom(
  store: Lines,
  { filter, since, until, receivedAfter, receivedUpTo }: Scope,
  after: Position | undefined,
  signal: AbortSignal,
): AsyncGenerator<readonly EventRecord[]> {
  const from = after !== undefined && (since === undefined || after.time > since) ? after.time : since
  const lines = store.search(
    {
      filter: streamsOf(filter),
      order: 'asc',
      // Lines there may belong to an event that began before, and those behind the end to one that began within.
      ...(from !== undefined && { since: from - BEFORE }),
      ...(until !== undefined && { until: until + SPAN }),
      ...(receivedAfter !== undefined && { receivedAfter }),
      ...(receivedUpTo !== undefined && { receivedUpTo }),
    },
    signal,
  )
  for await (const events of eventsOf(lines, store.startOf)) {
    const found: EventRecord[] = []
    for (const event of events) {
      const record = eventRecord(event)
      if (since !== undefined && record.time < since) continue
      if (until !== undefined && record.time >= until) return yield found
      if (after !== undefined && comparePositions(positionOf(record), after) <= 0) continue
      if (eventMatches(filter, record)) found.push(record)
    }
    if (found.length > 0) yield found
  }
}

/** Takes all lines of the streams of which some may match: what is asked of a line may stand in another one of its event. */
export function streamsOf(filter: Filter): Filter {
  const { where, ...others } = filter
  const { accepts } = filter
  const all = { ...others, grep: '' }
  if (where === undefined) return all
  const { stream: verdict } = matcherOf(where)
  return { ...all, accepts: (stream) => (accepts?.(stream) ?? true) && verdict(stream) !== false }
}
