import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Commit, Opening } from '../shared/forward/lineage.ts'
import type { SpoolPolicy } from '../shared/report.ts'
import { Bell } from './bell.ts'
import { isToBeSent, type SealedChunk, type SpooledChunk } from './chunk.ts'
import type { Checkpoint } from './line.ts'
import type { Unlisted } from './orphans.ts'
import { Acked } from './spool/acked.ts'
import { Beginning } from './spool/beginning.ts'
import { Checkpoints } from './spool/checkpoints.ts'
import { bytesOf, Chunks } from './spool/chunks.ts'
import { openDatabase } from './spool/database.ts'
import { dropOldest } from './spool/drop.ts'
import { Meta } from './spool/meta.ts'
import { type Hindrance, Plight } from './spool/plight.ts'
import { Receipts } from './spool/receipts.ts'
import { Spans } from './spool/spans.ts'
import { isDiskTrouble, succeeds } from './spool/sqlite.ts'
import { type KEPT, type StoreChange, StoreInUse } from './spool/store-in-use.ts'
import { inTransaction } from './spool/transaction.ts'
import type { Span } from './tail/piece.ts'

export interface SpoolOptions {
  /** State folder, locked. */
  readonly dir: string
  /** Bytes of chunks at which `append` waits, or drops. */
  readonly maxBytes: number
  /** What happens when it is full; `block`. */
  readonly policy?: SpoolPolicy
  readonly log: Logger
}

const RETRY_MS = 1000

/**
 * The agent's bounded disk queue of unacked chunks, and the checkpoint of each container, in one database. When it is full, `append` waits:
 * nobody then reads on from Docker, which keeps the logs. Or, if that is the policy, the oldest lines are dropped and gaps kept of them.
 */
export class Spool {
  readonly #database: DatabaseSync
  readonly #chunks: Chunks
  readonly #acked: Acked
  readonly #checkpoints: Checkpoints
  readonly #meta: Meta
  readonly #beginning: Beginning
  readonly #spans: Spans
  readonly #plight: Plight
  readonly maxBytes: number
  readonly policy: SpoolPolicy
  /** Rings after each append and each removal. */
  readonly changed = new Bell()
  readonly #store: StoreInUse

  /** Opens the spool in the state folder; a damaged one is replaced. Throws SWARMLOGS_STORE_NEWER when a newer agent wrote it. */
  constructor({ dir, maxBytes, policy = 'block', log }: SpoolOptions) {
    this.maxBytes = maxBytes
    this.policy = policy
    this.#plight = new Plight(log)
    this.#database = openDatabase(dir, log)
    this.#chunks = new Chunks(this.#database)
    const meta = new Meta(this.#database)
    const receipts = new Receipts(meta)
    this.#acked = new Acked(this.#database, this.#chunks, (commit) => receipts.keep(this.store, commit), log)
    this.#checkpoints = new Checkpoints(this.#database)
    this.#meta = meta
    this.#spans = new Spans(meta, this.#chunks)
    this.#beginning = new Beginning(meta, this.#checkpoints.isAny)
    const parts = { database: this.#database, chunks: this.#chunks, acked: this.#acked, checkpoints: this.#checkpoints }
    this.#store = new StoreInUse({ ...parts, meta, receipts, spans: this.#spans })
  }

  /** The store that the checkpoints in use belong to; '' before the first server has said who it is. */
  get store(): string {
    return this.#store.id
  }

  /** Since when its checkpoints tell of all containers, nanoseconds since 1970, decimal; '' before the first list. */
  get since(): string {
    return this.#beginning.since
  }

  /** Number of chunks that no server has acked. */
  get size(): number {
    return this.#chunks.count
  }

  /** Bytes of these. */
  get bytes(): number {
    return this.#chunks.bytes
  }

  /** Ids of the containers that these have lines of. */
  get containers(): ReadonlySet<string> {
    return this.#chunks.containers()
  }

  /** The oldest of them. */
  get oldestSeq(): number | undefined {
    return this.#chunks.held.keys().next().value
  }

  /** The newest chunk that was ever appended. */
  get lastSeq(): number {
    return this.#chunks.lastSeq
  }

  /** What `append` waits for: `full` is for acks, `disk` for one that can be written; '': for nothing. */
  get waits(): Hindrance {
    return this.#plight.hindrance
  }

  /** Chunks whose lines were dropped since this was opened. */
  get dropped(): number {
    return this.#plight.dropped
  }

  /** Where the tail of a container goes on; undefined when the store in use has nothing of it. */
  checkpoint(containerId: string): Checkpoint | undefined {
    return this.#checkpoints.get(this.store, containerId)
  }

  /** What another store has of a container; undefined when none has. */
  checkpointElsewhere(containerId: string): Checkpoint | undefined {
    return this.#checkpoints.elsewhere(this.store, containerId)
  }

  /** Which lines of a container, all of them in their times, the store in use gets of what was spooled for another one; undefined when that is not known of any. */
  spooledElsewhere(containerId: string): Span | undefined {
    return this.#spans.of(this.store, containerId)
  }

  /** The checkpoints of containers that are not listed, and may have had more lines than the store in use was sent. */
  unlisted(listed: ReadonlySet<string>): Unlisted[] {
    return this.#checkpoints.unlisted(this.store, listed)
  }

  /**
   * Stores chunk and checkpoints as one; waits while the spool or the disk is full.
   * Returns false, with nothing stored, when the signal aborts first.
   */
  async append(chunk: SealedChunk, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const hindrance = this.#tryAppend(chunk)
      this.#plight.set(hindrance, { bytes: this.bytes, maxBytes: this.maxBytes, chunks: this.size })
      if (hindrance === '') return true
      const retry = delay(RETRY_MS, undefined, { signal }).catch(() => {})
      await (hindrance === 'full' ? Promise.race([retry, this.changed.wait()]) : retry)
    }
    return false
  }

  /** The oldest unacked chunk behind a place and up to another; undefined when there is none. Throws SWARMLOGS_STORE_DAMAGED. */
  next(afterSeq: number, upToSeq?: number): SpooledChunk | undefined {
    return this.#chunks.next(afterSeq, upToSeq)
  }

  /** How long the oldest unacked chunk behind a place has been here; undefined when there is none. */
  waitedMs(afterSeq: number): number | undefined {
    const held = this.#chunks.held.get(this.#chunks.seqAfter(afterSeq) ?? 0)
    return held && performance.now() - held.appendedMs
  }

  /** A chunk is on its way: it is not dropped before it is acked or called back. */
  sending(seq: number): void {
    this.#chunks.setOut(seq)
  }

  /** The connection has ended: nothing is on its way any more. */
  callBack(): void {
    this.#chunks.callBack()
  }

  /** Forgets a chunk, which a store has acked, by that commit. */
  remove(seq: number, commit?: Commit): void {
    if (!this.#chunks.forget(seq)) return
    this.#acked.add(seq, commit)
    this.changed.ring()
  }

  /**
   * Takes note of the store that acks from now on; checkpoints are kept per store. Chunks that the store before has not acked go to
   * the new one, so the old one's checkpoints that count on them are its own no more: should it come back, Docker is read again for these.
   * By its openings an older copy of a store is known, which lacks some of what was acked: then none of its checkpoints counts.
   */
  useStore(store: string, openings?: readonly Opening[]): StoreChange {
    return this.#store.change(store, openings)
  }

  /** All containers were listed, at that time. */
  listed(time: bigint): void {
    succeeds(() => this.#beginning.note(time))
  }

  /** Drops checkpoints that are a month old, or too many, of containers that Docker no longer lists; returns how many. */
  prune(listed: ReadonlySet<string>, nowMs: number): number {
    return this.#checkpoints.prune(this.store, listed, nowMs)
  }

  /** A small value that was kept under a name; absence is undefined, and damage too. */
  kept(name: (typeof KEPT)[number]): string | undefined {
    return this.#meta.getSure(name)
  }

  /** Keeps a small value; false when the disk cannot be written now. */
  keep(name: (typeof KEPT)[number], value: string): boolean {
    return succeeds(() => this.#meta.putSure(name, value))
  }

  close(): void {
    try {
      this.#acked.close()
    } finally {
      this.#database.close()
    }
  }

  #tryAppend(chunk: SealedChunk): Hindrance {
    let seq = 0
    try {
      if (!this.#makeRoom(bytesOf(chunk))) return 'full'
      inTransaction(this.#database, () => {
        this.#acked.delete()
        if (isToBeSent(chunk)) seq = this.#chunks.insert(chunk)
        this.#checkpoints.put(this.store, chunk.checkpoints, Date.now())
      })
    } catch (error) {
      if (!isDiskTrouble(error)) throw error
      this.#plight.onDiskTrouble(error)
      return 'disk'
    }
    this.#acked.deleted()
    if (seq > 0) this.#chunks.added(seq, chunk)
    this.changed.ring()
    return ''
  }

  /** Whether so many bytes have room, once the policy has let go what it does. */
  #makeRoom(bytes: number): boolean {
    while (this.#chunks.count > 0 && this.#chunks.bytes + bytes > this.maxBytes) {
      const lines = this.policy === 'block' ? undefined : dropOldest(this.#database, this.#chunks)
      if (lines === undefined) return false
      if (lines > 0) this.#plight.onDropped(this.maxBytes)
    }
    return true
  }
}
