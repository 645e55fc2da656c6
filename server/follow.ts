import type { ApiNote } from '../shared/api/answers.ts'
import { positionOf, type StoredRecord } from '../shared/record.ts'
import type { Context } from './context.ts'
import { DoubtfulReads } from './doubtful-reads.ts'
import type { LiveBatch, Quiet, Subscription } from './live.ts'
import { Budget } from './query/budget.ts'
import type { Cursor } from './query/cursor.ts'
import { looksAtLines } from './query/filter.ts'
import type { Query } from './query/query.ts'
import type { Question } from './query/question.ts'

/** What a tail sends. Cursors name lines that are delivered though they stand behind them (`ahead`). */
export type FollowEvent =
  | {
      readonly kind: 'records'
      readonly records: readonly StoredRecord[]
      readonly cursorOf: (record: StoredRecord, ahead?: readonly bigint[]) => string
    }
  | { readonly kind: 'live'; readonly cursorOf: (ahead?: readonly bigint[]) => string }
  | { readonly kind: 'note'; readonly note: ApiNote }
  | { readonly kind: 'heartbeat' }

/** Why a tail ends. */
const ENDS = {
  until: 'the time given by until has come: this was all',
  shutdown: 'the server stops: go on with Last-Event-ID when it is back',
  slow: 'the client is too slow for the live lines: go on with Last-Event-ID',
} as const satisfies Partial<Record<ApiNote['code'], string>>

/** Says that a tail's history is only a part. */
export function stoppedNote(stopped: string): FollowEvent {
  return { kind: 'note', note: { code: 'stopped', message: `the lines before now are not all here: ${stopped}` } }
}

/** A set of records by when they were committed: (receivedAfter, receivedUpTo]. */
type Range = Pick<Cursor, 'receivedAfter' | 'receivedUpTo' | 'position'>

/**
 * Follows what a question asks for: history first, then what is committed, each record once.
 * The subscription begins before the history is read, and all that was committed until then counts as history: no hole, no double.
 * What overflows the subscription is read from the store instead.
 */
export async function* follow(context: Context, question: Question, signal: AbortSignal): AsyncGenerator<FollowEvent> {
  const leave = await context.commits.join()
  try {
    if (question.cursor !== undefined) await context.commits.reach(question.cursor.receivedUpTo)
    yield* subscribed(context, question, signal)
  } finally {
    leave()
  }
}

async function* subscribed(context: Context, question: Question, signal: AbortSignal): AsyncGenerator<FollowEvent> {
  const subscription = context.live.subscribe(question)
  try {
    yield* new Follower(context, question, subscription, signal).run()
  } finally {
    subscription.close()
  }
}

class Follower {
  readonly #context: Context
  readonly #question: Question
  readonly #subscription: Subscription
  readonly #signal: AbortSignal
  /** The subscription has all that was committed after this. */
  #subscribedAt: bigint
  /** All that was committed up to this has been delivered. */
  #deliveredUpTo = 0n
  readonly #reads = new DoubtfulReads()
  #behindSinceMs: number | undefined
  #isLive = false
  #hasEnded = false

  constructor(context: Context, question: Question, subscription: Subscription, signal: AbortSignal) {
    this.#context = context
    this.#question = question
    this.#subscription = subscription
    this.#signal = signal
    this.#subscribedAt = context.commits.lastReceived
  }

  async *run(): AsyncGenerator<FollowEvent> {
    yield* this.#readHistory()
    yield* this.#catchUp()
    if (!this.#signal.aborted) {
      const receivedUpTo = this.#deliveredUpTo
      yield { kind: 'live', cursorOf: (ahead) => this.#write({ receivedUpTo }, ahead) }
      this.#isLive = true
      yield* this.#goLive()
    }
    if (this.#context.stopping.aborted && !this.#hasEnded) yield this.#end('shutdown')
  }

  async *#readHistory(): AsyncGenerator<FollowEvent> {
    const { cursor, since, newest, filter, isLookedAt } = this.#question
    const receivedUpTo = this.#subscribedAt
    // A restored store can be behind the cursor: what is committed from now on must not be taken for delivered.
    const range = cursor === undefined || cursor.receivedUpTo > receivedUpTo ? { ...cursor, receivedUpTo } : cursor
    const isWanted = cursor === undefined ? since !== undefined || (newest ?? 0) > 0 : cursor.position !== undefined
    if (isWanted) {
      const budget = new Budget(this.#context.timing.queryMs, isLookedAt ?? looksAtLines(filter))
      yield* this.#read(range, budget)
      if (budget.stopped !== undefined) yield stoppedNote(budget.stopped)
    }
    this.#deliveredUpTo = range.receivedUpTo
  }

  async *#goLive(): AsyncGenerator<FollowEvent> {
    while (!this.#signal.aborted) {
      if (this.#isOver()) return yield this.#end('until')
      if (this.#subscription.isIdle) this.#behindSinceMs = undefined
      const next = await this.#subscription.next(this.#waitMs(), this.#signal)
      if (this.#signal.aborted) return
      if (next === 'closed') return yield this.#end('shutdown')
      for await (const event of this.#answer(next)) {
        if (this.#isSlow()) {
          this.#context.metrics.tailDropped()
          return yield this.#end('slow')
        }
        yield event
      }
    }
  }

  #end(code: keyof typeof ENDS): FollowEvent {
    this.#hasEnded = true
    return { kind: 'note', note: { code, message: ENDS[code] } }
  }

  #answer(next: LiveBatch | Exclude<Quiet, 'closed'>): Iterable<FollowEvent> | AsyncIterable<FollowEvent> {
    if (typeof next === 'object') return this.#deliver(next)
    return next === 'timeout' ? [{ kind: 'heartbeat' }] : this.#catchUp()
  }

  /** Whether the client has stayed behind for too long; it is not behind any more when nothing waits for it. */
  #isSlow(): boolean {
    if (this.#subscription.isOverflown) this.#behindSinceMs ??= this.#subscription.overflownAtMs
    return this.#behindSinceMs !== undefined && performance.now() - this.#behindSinceMs > this.#context.timing.slowMs
  }

  *#deliver(batch: LiveBatch): Generator<FollowEvent> {
    if (batch.isLate) {
      // The place of the tail stays where it is, behind what was delivered in its turn.
      const records = batch.records.filter((record) => !this.#reads.hasRead(record))
      return yield* this.#send(records, undefined)
    }
    // A commit can be published after the subscription began, and have been read as history.
    if (batch.received <= this.#deliveredUpTo) return
    yield* this.#send(batch.records, { receivedAfter: batch.received - 1n, receivedUpTo: batch.received })
    this.#deliveredUpTo = batch.received
  }

  /** Reads what was committed since from the store, until the subscription has all the rest. */
  async *#catchUp(): AsyncGenerator<FollowEvent> {
    while (!this.#signal.aborted) {
      if (this.#subscription.isOverflown) {
        if (this.#isLive) this.#behindSinceMs ??= this.#subscription.overflownAtMs
        this.#subscription.reset()
        this.#subscribedAt = this.#context.commits.lastReceived
      }
      if (this.#deliveredUpTo >= this.#subscribedAt) return
      // What came in the meantime must not be missing, however long that takes.
      const unbounded = new Budget(this.#context.timing.queryMs, false)
      yield* this.#read({ receivedAfter: this.#deliveredUpTo, receivedUpTo: this.#subscribedAt }, unbounded)
      this.#deliveredUpTo = this.#subscribedAt
    }
  }

  async *#read(range: Range, budget: Budget): AsyncGenerator<FollowEvent> {
    const { filter, since, until, newest, perTask } = this.#question
    const query: Query = {
      filter,
      order: 'asc',
      receivedUpTo: range.receivedUpTo,
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
      ...(range.position && { after: range.position }),
      ...(range.receivedAfter === undefined
        ? newest !== undefined && { newest, perTask }
        : { receivedAfter: range.receivedAfter }),
    }
    this.#reads.begin(range.receivedUpTo, this.#context.commits.doubtAfter)
    for await (const records of budget.over(this.#context.store.search(query, budget.signal(this.#signal)))) {
      if (this.#signal.aborted) return
      this.#reads.add(records)
      yield* this.#send(records, range)
    }
  }

  *#send(records: readonly StoredRecord[], range: Range | undefined): Generator<FollowEvent> {
    const delivered = { receivedUpTo: this.#deliveredUpTo }
    const cursorOf = (record: StoredRecord, ahead?: readonly bigint[]) =>
      this.#write(range ? { ...range, position: positionOf(record) } : delivered, ahead)
    if (records.length > 0) yield { kind: 'records', records, cursorOf }
  }

  #write({ receivedAfter, receivedUpTo, position }: Range, ahead: readonly bigint[] = []): string {
    const { cursors, since, until } = this.#question
    return cursors.write({
      kind: 'tail',
      receivedUpTo,
      ...(receivedAfter !== undefined && { receivedAfter }),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
      ...(position && { position }),
      ...(ahead.length > 0 && { ahead }),
    })
  }

  #isOver(): boolean {
    const { until } = this.#question
    return until !== undefined && this.#context.now() >= until && this.#subscription.isIdle
  }

  #waitMs(): number {
    const { until } = this.#question
    const { heartbeatMs } = this.#context.timing
    if (until === undefined) return heartbeatMs
    return Math.min(heartbeatMs, Number((until - this.#context.now()) / 1_000_000n) + 1)
  }
}
