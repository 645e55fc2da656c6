import { weigh } from '../live.ts'
import type { Appended } from '../store/store.ts'

/** A commit that waits for its turn. */
export interface Held extends Pick<Appended, 'stored' | 'received' | 'duplicates'> {
  /** Who made it; absent: this server. */
  readonly id: string | undefined
  readonly sinceMs: number
}

/** What may wait; beyond, all of it is forgotten: it is in the store. */
const MAX_BYTES = 64 * 2 ** 20

/** Commits that wait for their turn, by `received`. */
export class HeldCommits {
  #commits: Held[] = []
  #bytes = 0

  /** The one whose turn is next. */
  get first(): Held | undefined {
    return this.#commits[0]
  }

  /** Adds a commit; answers up to where commits were forgotten, when it was too much. */
  add(commit: Held): bigint | undefined {
    let at = this.#commits.length
    while (at > 0 && (this.#commits[at - 1]?.received ?? 0n) > commit.received) at--
    this.#commits.splice(at, 0, commit)
    this.#bytes += weigh(commit.stored)
    if (this.#bytes <= MAX_BYTES) return undefined
    const upTo = this.#commits.at(-1)?.received
    this.#commits = []
    this.#bytes = 0
    return upTo
  }

  /** Takes those up to `received`, in order. */
  takeUpTo(received: bigint): readonly Held[] {
    const count = this.#commits.findIndex((commit) => commit.received > received)
    const taken = this.#commits.splice(0, count === -1 ? this.#commits.length : count)
    for (const { stored } of taken) this.#bytes -= weigh(stored)
    return taken
  }

  /** Forgets some. */
  drop(isUnwanted: (commit: Held) => boolean): void {
    for (const commit of this.#commits) if (isUnwanted(commit)) this.#bytes -= weigh(commit.stored)
    this.#commits = this.#commits.filter((commit) => !isUnwanted(commit))
  }
}
