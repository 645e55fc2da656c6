import type { Appended } from '../store/store.ts'
import { type Held, HeldCommits } from './held.ts'

/** What becomes of the commits. */
export interface MergerEvents {
  /** Must be shown now: everything before it was. */
  publish(commit: Appended): void
  /** Comes after its turn: its server was out of reach when later ones were shown. */
  late(commit: Appended): void
  /** Something could not be shown in its turn: the tails must read the store, up to `safe`. */
  missed(): void
}

/** A server that writes to the store, as this one knows it. */
interface Writer {
  /** All of its commits up to this have come. */
  promise: bigint
  /** Lost: nobody waits for it any more. */
  state: 'here' | 'away' | 'lost'
  sinceMs: number
}

/** How long the tails wait for a server that is out of reach, or does not get on. */
const PATIENCE_MS = 3_000
/** A lost server that is not heard of for so long does not come back. */
const FORGET_MS = 600_000

/**
 * Puts the commits of several servers in the one order of `received`. A commit is shown when no server can make an earlier one any more:
 * each promises, again and again, up to where all of its commits have been announced.
 */
export class Merger {
  readonly #events: MergerEvents
  readonly #ownPromise: () => bigint
  readonly #writers = new Map<string, Writer>()
  readonly #held = new HeldCommits()
  #safe: bigint
  /** Not all of the commits up to this were held: they are in the store. */
  #missedUpTo: bigint | undefined

  constructor(start: bigint, ownPromise: () => bigint, events: MergerEvents) {
    this.#safe = start
    this.#ownPromise = ownPromise
    this.#events = events
  }

  /** All commits up to this have been shown. */
  get safe(): bigint {
    return this.#safe
  }

  /** From where on commits of lost servers may be missing. */
  get doubtAfter(): bigint | undefined {
    const promises = [...this.#writers.values()].filter(({ state }) => state === 'lost').map(({ promise }) => promise)
    return promises.reduce<bigint | undefined>(
      (least, one) => (least === undefined || one < least ? one : least),
      undefined,
    )
  }

  /** How far the commits of a server are known; undefined when it is unknown. */
  promiseOf(id: string): bigint | undefined {
    return this.#writers.get(id)?.promise
  }

  /** A server is in reach; `missingUpTo`: it does not announce those of its commits any more that it made up to then. */
  arrive(id: string, missingUpTo: bigint | undefined, nowMs: number): void {
    const known = this.#writers.get(id)
    // Nothing is shown before a new one has made its first promise.
    if (known === undefined) this.#writers.set(id, { promise: this.#safe, state: 'here', sinceMs: nowMs })
    else if (known.state === 'away') Object.assign(known, { state: 'here', sinceMs: nowMs })
    if (missingUpTo !== undefined) this.miss(missingUpTo)
  }

  /** A commit of this server (no id) or another one. */
  commit(commit: Appended, nowMs: number, id?: string): void {
    if (commit.received <= this.#safe) {
      this.#events.late(commit)
      return
    }
    const droppedUpTo = this.#held.add({ ...commit, id, sinceMs: nowMs })
    if (droppedUpTo !== undefined) this.miss(droppedUpTo)
  }

  /** All commits of a server up to this have come. */
  promise(id: string, promise: bigint): void {
    const writer = this.#writers.get(id)
    if (writer === undefined || promise <= writer.promise) return
    writer.promise = promise
    if (writer.state === 'lost' && promise >= this.#safe) writer.state = 'here'
  }

  /** Not all of the commits up to this come here: the tails must read the store, in their turn. */
  miss(upTo: bigint): void {
    if (upTo > this.#safe && (this.#missedUpTo === undefined || upTo > this.#missedUpTo)) this.#missedUpTo = upTo
  }

  /** A server is out of reach: what came of it after its promise will come again. */
  away(id: string, nowMs: number): void {
    const writer = this.#writers.get(id)
    if (writer === undefined) return
    this.#held.drop((held) => held.id === id && held.received > writer.promise)
    if (writer.state === 'here') Object.assign(writer, { state: 'away', sinceMs: nowMs })
  }

  /** A server has ended; it commits nothing more. */
  leave(id: string): void {
    this.#writers.delete(id)
  }

  /** Shows what can be shown. */
  advance(): void {
    const bound = this.#bound()
    if (bound <= this.#safe || (this.#missedUpTo !== undefined && bound < this.#missedUpTo)) return
    this.#safe = bound
    const ready = this.#held.takeUpTo(bound)
    if (this.#missedUpTo === undefined) for (const commit of ready) this.#events.publish(commit)
    else this.#events.missed()
    this.#missedUpTo = undefined
  }

  /** Gives up waiting for servers that are away, or do not get on, for too long; answers which. */
  check(nowMs: number): string[] {
    const first = this.#held.first
    const lost: string[] = []
    for (const [id, writer] of this.#writers) {
      if (writer.state === 'lost' && nowMs - writer.sinceMs > FORGET_MS) this.#writers.delete(id)
      if (writer.state === 'lost' || !isTooLong(writer, first, nowMs)) continue
      Object.assign(writer, { state: 'lost', sinceMs: nowMs })
      lost.push(id)
    }
    if (lost.length > 0) {
      // What they had begun may be in the store, unannounced.
      this.miss(this.#bound())
      this.advance()
    }
    return lost
  }

  #bound(): bigint {
    let bound = this.#ownPromise()
    for (const { state, promise } of this.#writers.values()) if (state !== 'lost' && promise < bound) bound = promise
    return bound
  }
}

function isTooLong({ state, sinceMs, promise }: Writer, first: Held | undefined, nowMs: number): boolean {
  if (state === 'away') return nowMs - sinceMs > PATIENCE_MS
  return first !== undefined && promise < first.received && nowMs - first.sinceMs > PATIENCE_MS
}
