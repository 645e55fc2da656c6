import type { DatabaseSync } from 'node:sqlite'
import type { Logger } from 'pino'
import type { Commit } from '../../shared/forward/lineage.ts'
import type { Chunks } from './chunks.ts'
import { reclaim } from './database.ts'
import { inTransaction } from './transaction.ts'

/** Acked chunks are deleted with the next append, or after this time. */
const DELETE_AFTER_MS = 100

/** Acked chunks whose rows are still there: deleted a few at a time, so that an ack costs no transaction. */
export class Acked {
  readonly #database: DatabaseSync
  readonly #chunks: Chunks
  readonly #log: Logger
  readonly #keep: (commit: Commit) => void
  #seqs: number[] = []
  #commit: Commit | undefined
  #timer: NodeJS.Timeout | undefined

  /** `keep` writes a commit. */
  constructor(database: DatabaseSync, chunks: Chunks, keep: (commit: Commit) => void, log: Logger) {
    this.#database = database
    this.#keep = keep
    this.#chunks = chunks
    this.#log = log
  }

  /** The newest commit that the store said of them. */
  get commit(): Commit | undefined {
    return this.#commit
  }

  add(seq: number, commit: Commit | undefined): void {
    this.#seqs.push(seq)
    this.#commit = commit ?? this.#commit
    this.#timer ??= setTimeout(() => this.#tidy(), DELETE_AFTER_MS)
  }

  /** Deletes them within the caller's transaction; `deleted` must follow once that is committed. */
  delete(): void {
    this.#chunks.delete(this.#seqs)
    if (this.#commit !== undefined) this.#keep(this.#commit)
  }

  deleted(): void {
    this.#seqs = []
    this.#commit = undefined
  }

  /** Deletes the last of them. */
  close(): void {
    clearTimeout(this.#timer)
    this.#try(() => this.#deleteNow())
  }

  #tidy(): void {
    this.#timer = undefined
    this.#try(() => {
      this.#deleteNow()
      if (reclaim(this.#database)) this.#timer = setTimeout(() => this.#tidy(), DELETE_AFTER_MS)
    })
  }

  /** On failure the rows stay for now: what is acked twice is stored once, and the next append meets any lasting trouble. */
  #try(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#log.warn({ err: error }, 'cannot delete acked chunks from the spool now')
    }
  }

  #deleteNow(): void {
    if (this.#seqs.length === 0) return
    inTransaction(this.#database, () => this.delete())
    this.deleted()
  }
}
