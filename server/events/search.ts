import { SwarmlogsError } from '../../shared/errors.ts'
import { comparePositions, positionOf, type StoredRecord } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import { napping } from '../napping.ts'
import type { Budget } from '../query/budget.ts'
import type { Query } from '../query/query.ts'
import { MAX_HELD_CHARS } from './limits.ts'
import { type Lines, linesOf } from './lines.ts'
import { newestEvents } from './newest.ts'
import { eventsFrom } from './range.ts'
import type { EventRecord } from './record.ts'

/** A client that takes nothing for so long loses its turn. */
const NAP_AFTER_MS = 2_000
const PIECE_CHARS = 256 * 1024

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

/**
 * The events, until the time of the query is up. Where they are held to be turned around, they are looked for when it is their turn, which a
 * client that does not take them loses, and with it what was held for it: when it goes on, they are looked for from there. Throws a Problem
 * (429) when too many wait.
 */
export function eventsInTurn(
  context: Pick<Context, 'eventTurns' | 'store' | 'inventories'>,
  query: EventQuery,
  budget: Budget,
  signal: AbortSignal,
): AsyncGenerator<readonly EventRecord[]> {
  const lines = linesOf(context)
  const find = (rest: EventQuery) => budget.over(searchEvents(lines, rest, budget.signal(signal)))
  if (query.order === 'asc' && query.newest === undefined) return find(query)
  let rest = query
  const goOn = async function* (): AsyncGenerator<readonly EventRecord[]> {
    for await (const found of context.eventTurns.over(signal, find(rest))) {
      for (const piece of piecesOf(found)) {
        rest = behind(rest, piece)
        yield piece
      }
    }
  }
  return napping(goOn, NAP_AFTER_MS)
}

/** Events that are handed on together; a client that stalls holds no more. */
function* piecesOf(events: readonly EventRecord[]): Generator<readonly EventRecord[]> {
  let [from, chars] = [0, 0]
  for (const [index, { message }] of events.entries()) {
    chars += message.length
    if (chars < PIECE_CHARS) continue
    yield events.slice(from, index + 1)
    from = index + 1
    chars = 0
  }
  if (from < events.length) yield events.slice(from)
}

/** The query for what comes behind these events. */
function behind(query: EventQuery, found: readonly EventRecord[]): EventQuery {
  const last = found.at(-1)
  if (last === undefined) return query
  const { limit } = query
  return { ...query, after: positionOf(last), ...(limit !== undefined && { limit: limit - found.length }) }
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
