import { comparePositions, type LogStream, positionOf, type StoredRecord } from '../shared/record.ts'
import { lineMatches, looksAtLines, streamMatches } from './query/filter.ts'
import type { Filter } from './query/query.ts'
import type { Appended } from './store/store.ts'

/** The records of one commit that a subscriber wants, in total order. */
export interface LiveBatch {
  readonly received: bigint
  readonly records: readonly StoredRecord[]
  /** It comes after later commits: its server was out of reach. */
  readonly isLate?: boolean
}

/** What a subscriber wants, and how much may wait for it. */
export interface Selection {
  readonly filter: Filter
  /** Inclusive and exclusive bounds of the records' time, nanoseconds. */
  readonly since?: bigint
  readonly until?: bigint
  readonly maxRecords?: number
  readonly maxBytes?: number
}

/** How a wait for records ended without any. */
export type Quiet = 'timeout' | 'overflow' | 'closed'

const MAX_RECORDS = 2_000
const MAX_BYTES = 4 * 1024 * 1024
/** What a record weighs beside its message. */
const RECORD_BYTES = 200

/** Hands what was stored to the live tails. Publishing never waits for a subscriber: each has a bounded queue, and one that overflows is told so. */
export class Live {
  readonly #subscriptions = new Set<Subscription>()
  #commit: { readonly received: bigint; readonly parts: (readonly StoredRecord[])[] } | undefined
  #isClosed = false

  /** Must be called for each append in the order of the commits. */
  publish({ stored, received }: Pick<Appended, 'stored' | 'received'>): void {
    if (stored.length === 0) return
    // Appends that the store put in one commit are one batch: a tail that resumes goes on behind a place within a commit.
    if (this.#commit?.received === received) {
      this.#commit.parts.push(stored)
      return
    }
    if (this.#commit === undefined) setImmediate(() => this.#flush())
    else this.#flush()
    this.#commit = { received, parts: [stored] }
  }

  /** A commit that comes after its turn. */
  publishLate({ stored, received }: Pick<Appended, 'stored' | 'received'>): void {
    if (stored.length === 0) return
    this.#flush()
    this.#offer({ received, records: stored, isLate: true })
  }

  /** Something cannot be published: every subscriber is told that it missed it. */
  skip(): void {
    this.#flush()
    for (const subscription of this.#subscriptions) subscription.overflow()
  }

  /** Begins to collect what is published from now on. */
  subscribe(selection: Selection): Subscription {
    const subscription = new Subscription(selection, () => this.#subscriptions.delete(subscription))
    if (this.#isClosed) subscription.close()
    else this.#subscriptions.add(subscription)
    return subscription
  }

  /** How many subscribers there are. */
  get size(): number {
    return this.#subscriptions.size
  }

  /** Ends all subscriptions. */
  close(): void {
    this.#flush()
    this.#isClosed = true
    for (const subscription of this.#subscriptions) subscription.close()
  }

  #flush(): void {
    const commit = this.#commit
    this.#commit = undefined
    if (commit === undefined || this.#subscriptions.size === 0) return
    const [first = [], ...others] = commit.parts
    const records = others.length === 0 ? first : commit.parts.flat().sort(compareRecords)
    this.#offer({ received: commit.received, records })
  }

  #offer(batch: LiveBatch): void {
    const streams = new Set(batch.records.map((record) => record.stream))
    for (const subscription of this.#subscriptions) subscription.offer(batch, streams)
  }
}

function compareRecords(a: StoredRecord, b: StoredRecord): number {
  return comparePositions(positionOf(a), positionOf(b))
}

/** One subscriber's queue. When it is full it is emptied and takes nothing more until `reset`: the store has what was missed. */
export class Subscription {
  readonly #selection: Selection
  readonly #leave: () => void
  #queue: LiveBatch[] = []
  #records = 0
  #bytes = 0
  #state: 'open' | 'overflow' | 'closed' = 'open'
  #wake: (() => void) | undefined
  #overflownAtMs = 0

  constructor(selection: Selection, leave: () => void) {
    this.#selection = selection
    this.#leave = leave
  }

  /** Whether the queue overflowed since the last `reset`. */
  get isOverflown(): boolean {
    return this.#state === 'overflow'
  }

  /** When it last overflowed, by performance.now(). */
  get overflownAtMs(): number {
    return this.#overflownAtMs
  }

  /** Whether nothing waits and nothing was missed. */
  get isIdle(): boolean {
    return this.#queue.length === 0 && this.#state === 'open'
  }

  /** Takes what the selection wants of a commit; `streams` are those that occur in it. */
  offer(batch: LiveBatch, streams: ReadonlySet<LogStream>): void {
    if (this.#state !== 'open') return
    const records = this.#choose(batch.records, streams)
    if (records.length === 0) return
    const bytes = weigh(records)
    const { maxRecords = MAX_RECORDS, maxBytes = MAX_BYTES } = this.#selection
    // One commit can be larger than the bound; alone it is taken, or a busy service could never be followed.
    const isFull = this.#records + records.length > maxRecords || this.#bytes + bytes > maxBytes
    if (isFull && this.#queue.length > 0) {
      this.overflow()
      return
    }
    this.#queue.push({ ...batch, records })
    this.#records += records.length
    this.#bytes += bytes
    this.#wake?.()
  }

  /** Forgets what waits: the store has it. */
  overflow(): void {
    if (this.#state !== 'open') return
    this.#drop('overflow')
    this.#overflownAtMs = performance.now()
    this.#wake?.()
  }

  /** The next commit's records, or why there are none within `timeoutMs`. */
  async next(timeoutMs: number, signal: AbortSignal): Promise<LiveBatch | Quiet> {
    if (this.isIdle && !signal.aborted) await this.#wait(timeoutMs, signal)
    const batch = this.#queue.shift()
    if (batch === undefined) return this.#state === 'open' ? 'timeout' : this.#state
    this.#records -= batch.records.length
    this.#bytes -= weigh(batch.records)
    return batch
  }

  /** Forgets what waits, and takes what is published from now on. */
  reset(): void {
    if (this.#state === 'closed') return
    this.#drop('open')
  }

  /** Ends the subscription; what still waits can be taken. */
  close(): void {
    this.#state = 'closed'
    this.#leave()
    this.#wake?.()
  }

  async #wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, timeoutMs)
    const wake = () => resolve()
    this.#wake = wake
    signal.addEventListener('abort', wake)
    await promise
    signal.removeEventListener('abort', wake)
    clearTimeout(timer)
    this.#wake = undefined
  }

  #drop(state: 'open' | 'overflow'): void {
    this.#queue = []
    this.#records = 0
    this.#bytes = 0
    this.#state = state
  }

  #choose(records: readonly StoredRecord[], streams: ReadonlySet<LogStream>): readonly StoredRecord[] {
    const { filter, since, until } = this.#selection
    const wanted = new Set<LogStream>()
    for (const stream of streams) if (streamMatches(filter, stream)) wanted.add(stream)
    if (wanted.size === 0) return []
    const takesAll = since === undefined && until === undefined && filter.sources.length === 0 && !looksAtLines(filter)
    if (takesAll && wanted.size === streams.size) return records
    return records.filter(
      (record) =>
        wanted.has(record.stream) &&
        (since === undefined || record.time >= since) &&
        (until === undefined || record.time < until) &&
        lineMatches(filter, record),
    )
  }
}

/** About how much memory records take, in bytes. */
export function weigh(records: readonly StoredRecord[]): number {
  return records.reduce((sum, record) => sum + record.message.length + RECORD_BYTES, 0)
}
