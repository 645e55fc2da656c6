import type { StoredRecord } from '../../shared/record.ts'
import type { FollowEvent } from '../follow.ts'
import type { Ahead } from './ahead.ts'
import { type EventLines, Grouping } from './group.ts'
import type { EventRecord } from './record.ts'
import type { StartOf } from './start.ts'

/** The event as it is told; undefined when it is not wanted. */
export type Wants = (event: EventLines, isLive: boolean) => EventRecord | undefined

/** A line that came, its number in the order in which lines came, and how its cursor is made. */
interface Place {
  readonly record: StoredRecord
  readonly index: number
  readonly cursorOf: (record: StoredRecord, ahead: readonly bigint[]) => string
}

/** Something that a tail tells when all events that began before it are told, and the last line before it. */
interface Held {
  readonly behind: number
  readonly event: FollowEvent
  readonly index: number
}

/** Where lines become events, which wait here until they are whole and it is their turn. */
export class Stage {
  readonly #grouping: Grouping
  readonly #wants: Wants
  /** For each event that was not told yet the line that came before its first one. */
  readonly #before: (Place | undefined)[] = []
  readonly #held: Held[] = []
  readonly #ahead: Ahead
  readonly #indices = new WeakMap<StoredRecord, number>()
  #last: Place | undefined
  #clockMs = 0
  #liveAtMs = 0
  #begun = 0
  #told = 0
  #isLive = false

  constructor(wants: Wants, startOf: StartOf, ahead: Ahead) {
    this.#wants = wants
    this.#ahead = ahead
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
      this.#held.push({ behind: event.kind === 'heartbeat' ? 0 : this.#begun, event, index: this.#lastIndex })
      return
    }
    const { cursorOf } = event
    const now = this.#clockMs
    for (const record of event.records) {
      const place = { record, index: this.#lastIndex + 1, cursorOf }
      this.#indices.set(record, place.index)
      if (!this.#ahead.wasTold(place) && this.#grouping.add(record, now)) {
        this.#before.push(this.#last)
        this.#begun++
      }
      this.#last = place
    }
  }

  get #lastIndex(): number {
    return this.#last?.index ?? 0
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
    const cursors = new Map<StoredRecord, () => string>()
    const cursorOf = (record: StoredRecord): string => {
      const cursor = cursors.get(record)
      if (cursor === undefined) throw new Error('BUG: a cursor of an event that was not told')
      return cursor()
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
      if (place === undefined) continue
      const ahead = this.#toldAhead(lines, place)
      const record = this.#wants(lines, this.#isLive)
      if (record === undefined) continue
      records.push(record)
      cursors.set(record, () => place.cursorOf(place.record, ahead))
    }
    if (records.length > 0) yield { kind: 'records', records, cursorOf }
    yield* this.#release()
  }

  /** What the cursor of an event names that was just told. */
  #toldAhead({ lines }: EventLines, { index }: Place): readonly bigint[] {
    const from = Math.min(index, this.#held[0]?.index ?? index)
    this.#ahead.forget(from)
    for (let at = lines.length - 1; at >= 0; at--) {
      const record = lines[at]
      const place = record && this.#indices.get(record)
      if (record === undefined || place === undefined || place <= from) break
      this.#ahead.add({ record, index: place })
    }
    return this.#ahead.behind(index)
  }

  #isNext(): boolean {
    const [held] = this.#held
    return held !== undefined && held.behind <= this.#told
  }

  *#release(): Generator<FollowEvent> {
    while (this.#isNext()) {
      const held = this.#held.shift()
      if (held === undefined) return
      if (held.event.kind !== 'live') {
        yield held.event
        continue
      }
      this.#isLive = true
      const { cursorOf } = held.event
      const ahead = this.#ahead.behind(held.index)
      yield { kind: 'live', cursorOf: () => cursorOf(ahead) }
    }
  }
}
