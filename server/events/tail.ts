import { comparePositions, type Position, positionOf, type StoredRecord } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import { type FollowEvent, follow, stoppedNote } from '../follow.ts'
import { Budget } from '../query/budget.ts'
import { looksAtLines } from '../query/filter.ts'
import type { Question } from '../query/question.ts'
import { type EventLines, Grouping } from './group.ts'
import { BEFORE } from './limits.ts'
import { linesOf } from './lines.ts'
import { streamsOf } from './pivot.ts'
import { type EventRecord, matchingEvent } from './record.ts'
import { eventsInTurn } from './search.ts'
import type { StartOf } from './start.ts'

/**
 * Follows events as `follow` does lines: each is told when the next one of its output begins, or when it got no line for a while, in the order in
 * which their first lines came. Its cursor is the place before the first line that was not told yet.
 */
export async function* followEvents(
  context: Context,
  question: Question,
  signal: AbortSignal,
): AsyncGenerator<FollowEvent> {
  const { filter, since, cursor } = question
  const budget = new Budget(context.timing.queryMs, looksAtLines(filter))
  const begin = await beginOf(context, question, budget, signal)
  if (budget.stopped !== undefined) yield stoppedNote(budget.stopped)
  // What reaches into the time that is asked about began before it.
  const range = since === undefined || cursor !== undefined ? {} : { since: since - BEFORE }
  const { newest: _, ...asked } = question
  const place = { ...range, ...begin?.place, isLookedAt: looksAtLines(filter) }
  const source = follow(context, { ...asked, ...place, filter: streamsOf(filter) }, signal)
  const wants: Wants = (event, isLive) => {
    const [first] = event.lines
    if (first === undefined || (since !== undefined && first.time < since)) return undefined
    const isEarly = begin?.first !== undefined && comparePositions(positionOf(first), begin.first) < 0
    return isEarly && !isLive ? undefined : matchingEvent(filter, event)
  }
  yield* events(source, context.timing.quietMs, new Stage(wants, linesOf(context).startOf))
}

/** Where the newest N events begin; undefined when that was not asked for. */
interface Begin {
  readonly first?: Position
  readonly place: Pick<Question, 'cursor'>
}

async function beginOf(
  context: Context,
  { filter, newest, since, until, cursor }: Question,
  budget: Budget,
  signal: AbortSignal,
): Promise<Begin | undefined> {
  if (newest === undefined || cursor !== undefined) return undefined
  const receivedUpTo = context.commits.lastReceived
  const range = { ...(since !== undefined && { since }), ...(until !== undefined && { until }) }
  const query = { filter, ...range, order: 'desc' as const, limit: newest, receivedUpTo }
  let first: Position | undefined
  for await (const found of eventsInTurn(context, query, budget, signal)) {
    const last = found.at(-1)
    if (last !== undefined) first = positionOf(last)
  }
  const place = { kind: 'tail' as const, receivedUpTo, ...range }
  if (first === undefined) return { place: { cursor: place } }
  // Before all that may reach to that place.
  const position = { time: first.time - BEFORE, nodeId: '', containerId: '', source: 'stderr' as const, ordinal: 0 }
  return { first, place: { cursor: { ...place, position } } }
}

/** A timer may ring so much too early. */
const EARLY_MS = 2

/** The event as it is told; undefined when it is not wanted. */
type Wants = (event: EventLines, isLive: boolean) => EventRecord | undefined

async function* events(
  source: AsyncGenerator<FollowEvent>,
  quietMs: number,
  stage: Stage,
): AsyncGenerator<FollowEvent> {
  let pending: ReturnType<typeof source.next> | undefined
  try {
    for (;;) {
      pending ??= source.next()
      const start = performance.now()
      const next = await (stage.isWaiting ? within(pending, quietMs + EARLY_MS) : pending)
      stage.pass(performance.now() - start)
      if (next !== undefined) {
        pending = undefined
        if (next.done) break
        stage.add(next.value)
      }
      stage.quiet(quietMs)
      yield* stage.take()
    }
    stage.end()
    yield* stage.take()
  } finally {
    await source.return(undefined)
  }
}

/** What comes within a time; undefined when nothing does. */
async function within<T>(coming: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined)
  })
  try {
    return await Promise.race([coming, over])
  } finally {
    clearTimeout(timer)
  }
}

/** A line that came, and how its cursor is made. */
interface Place {
  readonly record: StoredRecord
  readonly cursorOf: (record: StoredRecord) => string
}

/** Something that a tail tells when all events that began before it are told. */
interface Held {
  readonly behind: number
  readonly event: FollowEvent
}

class Stage {
  readonly #grouping: Grouping
  readonly #wants: Wants
  /** For each event that was not told yet the line that came before its first one. */
  readonly #before: (Place | undefined)[] = []
  readonly #held: Held[] = []
  #last: Place | undefined
  #clockMs = 0
  #liveAtMs = 0
  #begun = 0
  #told = 0
  #isLive = false

  constructor(wants: Wants, startOf: StartOf) {
    this.#wants = wants
    this.#grouping = new Grouping(startOf)
  }

  /** Whether events wait for lines that come in: those of history are all there. */
  get isWaiting(): boolean {
    return !this.#grouping.isOrdered && this.#grouping.isWaiting
  }

  /** Some time passed in which no lines came; what its client or the server itself took does not make a line late. */
  pass(ms: number): void {
    this.#clockMs += ms
  }

  add(event: FollowEvent): void {
    if (event.kind !== 'records') {
      if (event.kind === 'live') {
        this.#grouping.isOrdered = false
        this.#liveAtMs = this.#clockMs
      }
      // A sign of life does not wait.
      this.#held.push({ behind: event.kind === 'heartbeat' ? 0 : this.#begun, event })
      return
    }
    const { cursorOf } = event
    const now = this.#clockMs
    for (const record of event.records) {
      if (this.#grouping.add(record, now)) {
        this.#before.push(this.#last)
        this.#begun++
      }
      this.#last = { record, cursorOf }
    }
  }

  quiet(quietMs: number): void {
    const sinceMs = this.#clockMs - quietMs
    if (this.isWaiting && sinceMs >= this.#liveAtMs) this.#grouping.quiet(sinceMs)
  }

  end(): void {
    this.#grouping.end()
  }

  *take(): Generator<FollowEvent> {
    let records: EventRecord[] = []
    const places = new Map<StoredRecord, Place>()
    const cursorOf = (record: StoredRecord): string => {
      const place = places.get(record)
      if (place === undefined) throw new Error('BUG: a cursor of an event that was not told')
      return place.cursorOf(place.record)
    }
    for (const lines of this.#grouping.take()) {
      if (this.#isNext()) {
        if (records.length > 0) yield { kind: 'records', records, cursorOf }
        records = []
        yield* this.#release()
      }
      this.#told++
      this.#before.shift()
      const place = this.#before.length === 0 ? this.#last : this.#before[0]
      const record = this.#wants(lines, this.#isLive)
      if (place === undefined || record === undefined) continue
      records.push(record)
      places.set(record, place)
    }
    if (records.length > 0) yield { kind: 'records', records, cursorOf }
    yield* this.#release()
  }

  #isNext(): boolean {
    const [held] = this.#held
    return held !== undefined && held.behind <= this.#told
  }

  *#release(): Generator<FollowEvent> {
    while (this.#isNext()) {
      const held = this.#held.shift()
      if (held === undefined) return
      if (held.event.kind === 'live') this.#isLive = true
      yield held.event
    }
  }
}
