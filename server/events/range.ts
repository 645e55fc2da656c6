import { comparePositions, type Position, positionOf } from '../../shared/record.ts'
import type { Filter, Scope } from '../query/query.ts'
import { eventsOf } from './group.ts'
import { BEFORE } from './limits.ts'
import type { Lines } from './lines.ts'
import { type EventRecord, matchingEvent } from './record.ts'
import { candidatesOf, windowsOf } from './windows.ts'

/** The events that begin within a range of time, and behind a place, in ascending order. */
export async function* eventsFrom(
  store: Lines,
  scope: Scope,
  after: Position | undefined,
  signal: AbortSignal,
): AsyncGenerator<readonly EventRecord[]> {
  const { filter, since } = scope
  const from = after !== undefined && (since === undefined || after.time > since) ? { since: after.time } : {}
  for await (const window of windowsOf(store, { ...scope, ...from }, signal)) {
    for await (const events of eventsIn(store, window, filter, signal)) {
      const behind = events.filter((event) => after === undefined || comparePositions(positionOf(event), after) > 0)
      if (behind.length > 0) yield behind
    }
  }
}

/** The events that begin within a range of time, made of the lines of its filter; only those that the other filter takes. */
async function* eventsIn(
  store: Lines,
  range: Scope,
  filter: Filter,
  signal: AbortSignal,
): AsyncGenerator<readonly EventRecord[]> {
  const { since, until } = range
  // Lines before it may belong to an event that began before, and those behind the end to one that began within.
  const read = { ...candidatesOf(range), ...(since !== undefined && { since: since - BEFORE }) }
  for await (const events of eventsOf(store.search({ ...read, order: 'asc' }, signal), store.startOf, signal)) {
    const found: EventRecord[] = []
    for (const event of events) {
      const [first] = event.lines
      if (first === undefined || (since !== undefined && first.time < since)) continue
      if (until !== undefined && first.time >= until) return yield found
      const record = matchingEvent(filter, event)
      if (record !== undefined) found.push(record)
    }
    yield found
  }
}
