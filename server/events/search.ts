import { SwarmlogsError } from '../../shared/errors.ts'
import { comparePositions, positionOf, type StoredRecord } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import type { Query } from '../query/query.ts'
import { MAX_HELD_CHARS } from './limits.ts'
import type { Lines } from './lines.ts'
import { newestEvents } from './newest.ts'
import { eventsFrom } from './range.ts'
import type { EventRecord } from './record.ts'

/** Which events are wanted; of each task apart is not to be had. */
export type EventQuery = Omit<Query, 'perTask'>

/** Finds events as `Store.search` finds lines: an event has the place of its first line, and its text is that of all lines. */
export async function* searchEvents(
  store: Lines,
  query: EventQuery,
  signal: AbortSignal,
): AsyncGenerator<readonly EventRecord[]> {
  const { newest, limit = Number.POSITIVE_INFINITY, order, after, ...scope } = query
  if (newest !== undefined) return yield* newestOf(store, query, newest, signal)
  if (order === 'asc') return yield* first(eventsFrom(store, scope, after, signal), limit)
  yield* first(newestEvents(store, { ...scope, ...(after && { after }) }, signal), limit)
}

/** What an answer yields: one that holds events to turn them around, when it is its turn. Throws a Problem (429) when too many wait. */
export function inTurn<T>(
  { eventTurns }: Pick<Context, 'eventTurns'>,
  { order, newest }: EventQuery,
  signal: AbortSignal,
  answer: AsyncGenerator<T>,
): AsyncGenerator<T> {
  return order === 'asc' && newest === undefined ? answer : eventTurns.over(signal, answer)
}

/** The newest N, then in the order and from the place that is wanted. */
async function* newestOf(
  store: Lines,
  { order, after, limit, newest: _, ...scope }: EventQuery,
  newest: number,
  signal: AbortSignal,
): AsyncGenerator<readonly EventRecord[]> {
  const found: EventRecord[] = []
  let chars = 0
  for await (const events of first(newestEvents(store, scope, signal), newest)) {
    found.push(...events)
    chars += events.reduce((sum, { message }) => sum + message.length, 0)
    if (chars > MAX_HELD_CHARS) throw tooLong(found.length)
  }
  if (order === 'asc') found.reverse()
  const sign = order === 'asc' ? 1 : -1
  const behind = found.filter((event) => after === undefined || sign * comparePositions(positionOf(event), after) > 0)
  yield behind.slice(0, limit)
}

async function* first<T extends StoredRecord>(
  batches: AsyncIterable<readonly T[]>,
  count: number,
): AsyncGenerator<readonly T[]> {
  let left = count
  if (left <= 0) return
  for await (const batch of batches) {
    yield batch.slice(0, left)
    left -= batch.length
    if (left <= 0) return
  }
}

function tooLong(count: number): SwarmlogsError {
  const message = `cannot hold the newest events: ${count} of them have over 16 Mi characters; ask for fewer, or give a time by since`
  return new SwarmlogsError('SWARMLOGS_USAGE', message)
}
