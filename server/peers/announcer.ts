import { randomUUID } from 'node:crypto'
import type { Gap } from '../../shared/gap.ts'
import type { Inventory } from '../../shared/inventory.ts'
import type { AgentReport } from '../../shared/report.ts'
import type { Annotation } from '../annotations.ts'
import { weigh } from '../live.ts'
import type { Appended } from '../store/store.ts'
import { Feed } from './feed.ts'
import { encodeCommit, encodeFrame } from './frames.ts'

type Commit = Pick<Appended, 'received' | 'stored'>

/** How much of what was committed last is kept for peers that come again. */
const RECENT_BYTES = 8 * 2 ** 20
const RECENT_COMMITS = 10_000
const GAPS_AT_ONCE = 1_000

/** What a peer knows of this server when it asks for its commits. */
export interface Known {
  /** The instance that it knows; another one when this server was started anew. */
  readonly instance: string
  /** Up to where it has its commits. */
  readonly upTo: bigint
  readonly wantsRecords: boolean
}

/** Tells the peers what this server commits. */
export class Announcer {
  /** Names this run of the server. */
  readonly instance = randomUUID()
  readonly #feeds = new Set<Feed>()
  #recent: Commit[] = []
  #recentBytes = 0
  /** Commits up to this are not kept any more. */
  #forgottenUpTo = 0n
  #newest = 0n

  /** How many peers listen. */
  get size(): number {
    return this.#feeds.size
  }

  /** Tells of a commit; must be called in the order of the commits. */
  commit(commit: Commit): void {
    if (commit.stored.length === 0) return
    if (commit.received > this.#newest) this.#newest = commit.received
    this.#remember(commit)
    const wanting = [...this.#feeds].filter(({ wantsRecords }) => wantsRecords)
    if (wanting.length === 0) return
    for (const bytes of encodeCommit(commit)) for (const feed of wanting) feed.push(bytes)
  }

  /** Tells that all commits up to this were told of. */
  promise(promise: bigint): void {
    for (const feed of this.#feeds) feed.promise(promise, this.#newest)
  }

  /** Tells when agents were last heard of. */
  nodes(seen: readonly (readonly [string, bigint])[]): void {
    this.#send(encodeFrame({ kind: 'nodes', seen }))
  }

  /** Tells what a manager told. */
  inventory(inventory: Inventory): void {
    this.#send(encodeFrame({ kind: 'inventory', inventory }))
  }

  /** Tells what an agent told, and the commit up to which that speaks of what is stored. */
  report(report: AgentReport, after: bigint): void {
    this.#send(encodeFrame({ kind: 'report', report, after }))
  }

  /** Tells of gaps that are stored. */
  gaps(gaps: readonly Gap[]): void {
    for (let at = 0; at < gaps.length; at += GAPS_AT_ONCE)
      this.#send(encodeFrame({ kind: 'gaps', gaps: gaps.slice(at, at + GAPS_AT_ONCE) }))
  }

  /** Tells what somebody noted. */
  annotation(annotation: Annotation): void {
    this.#send(encodeFrame({ kind: 'annotation', annotation }))
  }

  /** Begins to tell a peer, with what it may have missed first. */
  subscribe({ instance, upTo, wantsRecords }: Known): Feed {
    const feed = new Feed(wantsRecords, () => this.#feeds.delete(feed))
    const after = instance === this.instance ? upTo : 0n
    const isKnown = instance === this.instance
    const missingUpTo = isKnown && after < this.#forgottenUpTo ? this.#forgottenUpTo : undefined
    feed.push(
      encodeFrame({ kind: 'hello', instance: this.instance, ...(missingUpTo !== undefined && { missingUpTo }) }),
    )
    if (wantsRecords) {
      for (const commit of this.#recent)
        if (commit.received > after) for (const bytes of encodeCommit(commit)) feed.push(bytes)
    }
    this.#feeds.add(feed)
    return feed
  }

  /** Ends; says goodbye when `isQuiet`: nothing more is committed. Else the peers must look for themselves what is. */
  close(isQuiet: boolean): void {
    for (const feed of [...this.#feeds]) {
      if (isQuiet) feed.end(encodeFrame({ kind: 'bye' }))
      else feed.close()
    }
  }

  #send(bytes: Buffer): void {
    for (const feed of this.#feeds) feed.push(bytes)
  }

  #remember(commit: Commit): void {
    this.#recent.push(commit)
    this.#recentBytes += weigh(commit.stored)
    let forgotten = 0
    while (this.#recentBytes > RECENT_BYTES || this.#recent.length - forgotten > RECENT_COMMITS) {
      const oldest = this.#recent[forgotten]
      if (oldest === undefined) break
      forgotten++
      this.#recentBytes -= weigh(oldest.stored)
      this.#forgottenUpTo = oldest.received
    }
    if (forgotten > 0) this.#recent.splice(0, forgotten)
  }
}
