import { comparePositions, type Position, positionOf } from '../../shared/record.ts'
import type { Scope } from '../query/query.ts'
import { greater, smaller } from '../store/bigint.ts'
import { MAX_HELD_CHARS } from './limits.ts'
import type { Lines } from './lines.ts'
import { pivotOf, streamsOf } from './pivot.ts'
import { eventsFrom } from './range.ts'
import type { EventRecord } from './record.ts'
import { candidatesOf } from './windows.ts'

/** Events of a window of time that are held at once, to be turned around. */
const MAX_HELD = 5_000
/** Windows end up with between a tenth of these and all of them. */
const FIRST_LENGTH = 60_000_000_000n
const MAX_LENGTH = 1n << 60n

/** The events, the newest first: lines only go on forwards, so windows of time are read in ascending order, the newest first. */
export async function* newestEvents(
  store: Lines,
  query: Scope & { readonly after?: Position },
  signal: AbortSignal,
): AsyncGenerator<readonly EventRecord[]> {
  const { since, until, after, ...rest } = query
  let length = FIRST_LENGTH
  let end: Position | undefined = after
  let before = after === undefined ? until : after.time + 1n
  while (since === undefined || before === undefined || before > since) {
    const newest = await newestTime(
      store,
      { ...rest, ...(since !== undefined && { since }), ...(before !== undefined && { until: before }) },
      signal,
    )
    if (newest === undefined || signal.aborted) return
    const from = greater(since ?? newest - length, newest - length)
    const window = new Window(end)
    for await (const events of eventsFrom(store, { ...rest, since: from, until: newest + 1n }, undefined, signal))
      window.add(events)
    // What an interrupted read did not come to is newer than what it did.
    if (signal.aborted) return
    if (window.held.length > 0) yield window.held.toReversed()
    const oldest = window.hasDropped ? window.held[0] : undefined
    end = oldest === undefined ? undefined : positionOf(oldest)
    before = oldest === undefined ? from : oldest.time + 1n
    if (window.hasDropped) length = greater(length / 4n, 1n)
    else if (window.held.length < MAX_HELD / 10 && length < MAX_LENGTH) length *= 2n
  }
}

/** Holds the newest events of those before a place. */
class Window {
  readonly #end: Position | undefined
  held: EventRecord[] = []
  hasDropped = false
  #chars = 0

  constructor(end: Position | undefined) {
    this.#end = end
  }

  add(events: readonly EventRecord[]): void {
    for (const event of events) {
      if (this.#end === undefined || comparePositions(positionOf(event), this.#end) < 0) this.held.push(event)
    }
    this.#chars += events.reduce((sum, { message }) => sum + message.length, 0)
    if (this.held.length <= 2 * MAX_HELD && this.#chars <= MAX_HELD_CHARS) return
    this.held = this.held.slice(-Math.min(MAX_HELD, Math.ceil(this.held.length / 2)))
    this.#chars = this.held.reduce((sum, { message }) => sum + message.length, 0)
    this.hasDropped = true
  }
}

/** A time at or behind the newest event that may match, and before the end, so that times without any are passed over; undefined when there is none. */
async function newestTime(store: Lines, scope: Scope, signal: AbortSignal): Promise<bigint | undefined> {
  const pivot = pivotOf(scope.filter)
  const { until } = scope
  const read =
    pivot === undefined ? { ...scope, filter: streamsOf(scope.filter) } : { ...candidatesOf(scope), filter: pivot }
  for await (const [line] of store.search({ ...read, order: 'desc', limit: 1 }, signal))
    if (line !== undefined) return until === undefined ? line.time : smaller(line.time, until - 1n)
  return undefined
}
