import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { Bell } from './bell.ts'
import { isToBeSent, type SealedChunk, type SpooledChunk } from './chunk.ts'
import type { Checkpoint } from './line.ts'
import { Checkpoints } from './spool/checkpoints.ts'
import { bytesOf, Chunks } from './spool/chunks.ts'
import { openDatabase, reclaim } from './spool/database.ts'
import { isDiskTrouble } from './spool/sqlite.ts'
import { inTransaction } from './spool/transaction.ts'

export interface SpoolOptions {
  /** State folder, locked. */
  readonly dir: string
  /** Bytes of chunks at which `append` waits. */
  readonly maxBytes: number
  readonly log: Logger
}

/** What a server's identity means for the checkpoints: the store is the same, the first one known, or another one. */
export type StoreChange = 'same' | 'first' | 'other'

/** Why `append` waits. */
type Hindrance = 'none' | 'full' | 'disk'

/** Acked chunks are deleted with the next append, or after this time. */
const DELETE_AFTER_MS = 100
const RETRY_MS = 1000

/**
 * The agent's bounded disk queue of unacked chunks, and the checkpoint of each container, in one database.
 * When it is full, `append` waits: nobody then reads on from Docker, which keeps the logs.
 */
export class Spool {
  readonly #database: DatabaseSync
  readonly #chunks: Chunks
  readonly #checkpoints: Checkpoints
  readonly #log: Logger
  readonly #maxBytes: number
  /** Rings after each append and each removal. */
  readonly changed = new Bell()
  #acked: number[] = []
  #deleteTimer: NodeJS.Timeout | undefined
  #hindrance: Hindrance = 'none'
  #store: string

  /** Opens the spool in the state folder; a damaged one is replaced. Throws SWARMLOGS_STORE_NEWER when a newer agent wrote it. */
  constructor(options: SpoolOptions) {
    this.#log = options.log
    this.#maxBytes = options.maxBytes
    this.#database = openDatabase(options.dir, options.log)
    this.#chunks = new Chunks(this.#database)
    this.#checkpoints = new Checkpoints(this.#database)
    this.#store = String(this.#database.prepare("SELECT value FROM meta WHERE name = 'store'").get()?.value ?? '')
  }

  /** The store that the checkpoints in use belong to; '' before the first server has said who it is. */
  get store(): string {
    return this.#store
  }

  /** Number of chunks that no server has acked. */
  get size(): number {
    return this.#chunks.count
  }

  /** Bytes of these. */
  get bytes(): number {
    return this.#chunks.bytes
  }

  /** Whether `append` waits: for acks, or for a disk that cannot be written. */
  get isWaiting(): boolean {
    return this.#hindrance !== 'none'
  }

  /** Where the tail of a container goes on; undefined when the store in use has nothing of it. */
  checkpoint(containerId: string): Checkpoint | undefined {
    return this.#checkpoints.get(this.#store, containerId)
  }

  /** What another store has of a container; undefined when none has. */
  checkpointElsewhere(containerId: string): Checkpoint | undefined {
    return this.#checkpoints.elsewhere(this.#store, containerId)
  }

  /**
   * Stores chunk and checkpoints as one; waits while the spool or the disk is full.
   * Returns false, with nothing stored, when the signal aborts first.
   */
  async append(chunk: SealedChunk, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const hindrance = this.#tryAppend(chunk)
      this.#say(hindrance)
      if (hindrance === 'none') return true
      const retry = delay(RETRY_MS, undefined, { signal }).catch(() => {})
      await (hindrance === 'full' ? Promise.race([retry, this.changed.wait()]) : retry)
    }
    return false
  }

  /** The oldest unacked chunk behind a place; undefined when there is none. Throws SWARMLOGS_STORE_DAMAGED. */
  next(afterSeq: number): SpooledChunk | undefined {
    return this.#chunks.next(afterSeq)
  }

  /** Forgets a chunk, which a store has acked. */
  remove(seq: number): void {
    if (!this.#chunks.forget(seq)) return
    this.#acked.push(seq)
    this.#deleteTimer ??= setTimeout(() => this.#tidy(), DELETE_AFTER_MS)
    this.changed.ring()
  }

  /**
   * Takes note of the store that acks from now on; checkpoints are kept per store. Chunks that the store before has not acked go to
   * the new one, so the old one's checkpoints that count on them are its own no more: should it come back, Docker is read again for these.
   */
  useStore(store: string): StoreChange {
    if (store === this.#store) return 'same'
    const before = this.#store
    inTransaction(this.#database, () => {
      if (before === '') this.#checkpoints.adopt(store)
      else this.#checkpoints.release(before, this.#chunks.containers())
      this.#database.prepare("INSERT OR REPLACE INTO meta VALUES ('store', ?)").run(store)
    })
    this.#store = store
    return before === '' ? 'first' : 'other'
  }

  /** Drops checkpoints that are a week old, of containers that Docker no longer lists; returns how many. */
  prune(listed: ReadonlySet<string>, nowMs: number): number {
    return this.#checkpoints.prune(this.#store, listed, nowMs)
  }

  close(): void {
    clearTimeout(this.#deleteTimer)
    try {
      this.#deleteAcked()
    } finally {
      this.#database.close()
    }
  }

  #tryAppend(chunk: SealedChunk): Hindrance {
    const isFull = this.#chunks.count > 0 && this.#chunks.bytes + bytesOf(chunk) > this.#maxBytes
    if (isFull) return 'full'
    let seq = 0
    try {
      inTransaction(this.#database, () => {
        this.#chunks.delete(this.#acked)
        if (isToBeSent(chunk)) seq = this.#chunks.insert(chunk)
        this.#checkpoints.put(this.#store, chunk.checkpoints, Date.now())
      })
    } catch (error) {
      if (!isDiskTrouble(error)) throw error
      if (this.#hindrance !== 'disk') this.#log.error({ err: error }, 'cannot write the spool; waiting for the disk')
      return 'disk'
    }
    this.#acked = []
    if (seq > 0) this.#chunks.added(seq, chunk)
    this.changed.ring()
    return 'none'
  }

  #say(hindrance: Hindrance): void {
    const before = this.#hindrance
    this.#hindrance = hindrance
    if (before === hindrance) return
    const state = { bytes: this.bytes, maxBytes: this.#maxBytes, chunks: this.size }
    if (hindrance === 'full')
      this.#log.warn(state, 'spool is full; reading stops, Docker keeps the logs until the server acks')
    if (hindrance === 'none') this.#log.info(state, 'spool has room again; reading goes on')
  }

  #tidy(): void {
    this.#deleteTimer = undefined
    try {
      this.#deleteAcked()
      if (reclaim(this.#database)) this.#deleteTimer = setTimeout(() => this.#tidy(), DELETE_AFTER_MS)
    } catch (error) {
      // The rows stay for now: what is acked twice is stored once, and the next append meets any lasting trouble.
      this.#log.warn({ err: error }, 'cannot delete acked chunks from the spool now')
    }
  }

  #deleteAcked(): void {
    if (this.#acked.length === 0) return
    inTransaction(this.#database, () => this.#chunks.delete(this.#acked))
    this.#acked = []
  }
}
