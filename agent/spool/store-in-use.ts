import type { DatabaseSync } from 'node:sqlite'
import type { Opening } from '../../shared/forward/lineage.ts'
import type { Acked } from './acked.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { Chunks } from './chunks.ts'
import type { Meta } from './meta.ts'
import { Receipts } from './receipts.ts'
import type { Spans } from './spans.ts'
import { succeeds } from './sqlite.ts'
import { inTransaction } from './transaction.ts'

/** What a server's identity means for the checkpoints: the store is the same, the first one known, another one, or an older copy of one. */
export type StoreChange = 'same' | 'first' | 'other' | 'older'

/** Names of what is kept of the store in use. */
export const KEPT = ['watermark'] as const

/** The parts of a spool that know of stores. */
export interface StoreParts {
  readonly database: DatabaseSync
  readonly chunks: Chunks
  readonly acked: Acked
  readonly checkpoints: Checkpoints
  readonly meta: Meta
  readonly receipts: Receipts
  readonly spans: Spans
}

/** The store that acks, to which the checkpoints in use belong. */
export class StoreInUse {
  readonly #parts: StoreParts
  #id: string

  constructor(parts: StoreParts) {
    this.#parts = parts
    this.#id = parts.meta.get('store') ?? ''
  }

  /** '' before the first server has said who it is. */
  get id(): string {
    return this.#id
  }

  /** See `Spool.useStore`. */
  change(store: string, openings?: readonly Opening[]): StoreChange {
    const { database, chunks, acked, checkpoints, meta, spans } = this.#parts
    const isOlder = openings !== undefined && this.#hasMoreThan(store, openings)
    if (store === this.#id && !isOlder) return 'same'
    const before = this.#id
    inTransaction(database, () => {
      acked.delete()
      if (before !== '') spans.note(store, (id) => checkpoints.get(before, id))
      if (isOlder) this.#forgetAcks(store)
      if (before === '') checkpoints.adopt(store)
      else if (before !== store) checkpoints.release(before, chunks.containers())
      meta.put('store', store)
    })
    acked.deleted()
    this.#id = store
    if (isOlder) return 'older'
    return before === '' ? 'first' : 'other'
  }

  /** Whether that store acked what one with these openings does not have. */
  #hasMoreThan(store: string, openings: readonly Opening[]): boolean {
    const { acked, receipts } = this.#parts
    const unsaved = store === this.#id ? acked.commit : undefined
    const commit = unsaved ?? receipts.of(store)
    if (commit === undefined || openings.length === 0) return false
    const renewed = Receipts.renewed(commit, openings)
    if (renewed !== undefined && renewed !== commit) succeeds(() => receipts.keep(store, renewed))
    return renewed === undefined
  }

  /** What was acked then is not there any more: neither checkpoints count, nor what was kept of it. */
  #forgetAcks(store: string): void {
    const { checkpoints, receipts, meta } = this.#parts
    checkpoints.releaseAll(store)
    receipts.forget(store)
    for (const name of KEPT) meta.delete(name)
  }
}
