import { type Commit, hasCommit, type Opening, parseCommit, printCommit } from '../../shared/forward/lineage.ts'
import type { Meta } from './meta.ts'

/** By which commit each store has acked something last: a store that does not have it is an older copy. */
export class Receipts {
  readonly #meta: Meta

  constructor(meta: Meta) {
    this.#meta = meta
  }

  keep(store: string, commit: Commit): void {
    this.#meta.putSure(nameOf(store), printCommit(commit))
  }

  forget(store: string): void {
    this.#meta.delete(nameOf(store))
  }

  /** The commit of that store; undefined when it has acked nothing, or its server does not say. */
  of(store: string): Commit | undefined {
    return parseCommit(this.#meta.getSure(nameOf(store)) ?? '')
  }

  /**
   * What can be kept instead of a commit that a store with these openings has: it has all up to its newest opening. Else an agent with
   * nothing to send would one day know none of its openings. undefined when it does not have the commit.
   */
  static renewed(commit: Commit, openings: readonly Opening[]): Commit | undefined {
    const newest = openings.at(-1)
    if (!hasCommit(openings, commit)) return undefined
    return newest === undefined || newest.id === commit.opening ? commit : { opening: newest.id, at: newest.from }
  }
}

function nameOf(store: string): string {
  return `acked ${store}`
}
