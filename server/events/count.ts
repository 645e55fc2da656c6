import type { Scope } from '../query/query.ts'
import type { Lines } from './lines.ts'
import { eventsFrom } from './range.ts'
import type { EventRecord } from './record.ts'

/** Shows all events that begin within a scope. Rejects when the signal aborts, as a part of them is no number. */
export async function eachEvent(
  store: Lines,
  scope: Scope,
  signal: AbortSignal,
  take: (event: EventRecord) => void,
): Promise<void> {
  for await (const events of eventsFrom(store, scope, undefined, signal)) for (const event of events) take(event)
  signal.throwIfAborted()
}
