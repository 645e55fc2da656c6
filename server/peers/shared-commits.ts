import { setTimeout as delay } from 'node:timers/promises'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { LogRecord } from '../../shared/record.ts'
import type { Commits } from '../commits.ts'
import type { Live } from '../live.ts'
import type { Appended, Sharing, Store } from '../store/store.ts'
import type { Announcer } from './announcer.ts'
import type { Frame } from './frames.ts'
import { Merger } from './merger.ts'

/** A tail that ended is often followed by another one: so long the peers go on sending records. */
const LINGER_MS = 30_000
/** Servers are apart by milliseconds, or by the time that one waits for another one that is out of reach. */
const REACH_MS = 6_000
const REACH_STEP_MS = 5
/** Begins the names of what holds commits up, and is no peer. */
const HOLD = 'hold '
const MAX_AHEAD_NS = 3_600_000_000_000n

/** What a peer tells of its commits. */
export type CommitFrame = Extract<Frame, { kind: 'hello' | 'commit' | 'promise' | 'bye' }>

/** What the commits are shared by. */
export interface SharedOptions {
  readonly store: Store
  readonly sharing: Sharing
  readonly live: Live
  readonly announcer: Announcer
}

/** The commits of a store that several servers write to, in one order; see ARCHITECTURE.md, "Several servers". */
export class SharedCommits implements Commits {
  readonly #options: SharedOptions
  readonly #merger: Merger
  /** What the store had promised when an append began that is not shown yet; the oldest first. */
  readonly #floors = new Set<{ readonly floor: bigint }>()
  #seen = 0n
  #isNudged = false
  #mustAnnounce = false
  #tails = 0
  #holds = 0
  #linger: NodeJS.Timeout | undefined
  /** Asks the peers for records; resolves when they send them. */
  #fetch: () => Promise<void> = async () => {}

  constructor(options: SharedOptions) {
    this.#options = options
    const { live, sharing } = options
    this.#merger = new Merger(sharing.mark(0n), () => this.#promise(), {
      publish: (commit) => live.publish(commit),
      late: (commit) => live.publishLate(commit),
      missed: () => {
        // What a server that is gone had written is found by a new search only.
        sharing.observe(this.#merger.safe)
        live.skip()
      },
    })
  }

  get lastReceived(): bigint {
    return this.#merger.safe
  }

  get doubtAfter(): bigint | undefined {
    return this.#merger.doubtAfter
  }

  /** Whether no append is under way. */
  get isQuiet(): boolean {
    return this.#floors.size === 0
  }

  /** Whether somebody here wants the records of the peers. */
  get isWanted(): boolean {
    return this.#tails > 0 || this.#linger !== undefined
  }

  /** Up to where the commits of a peer have come; undefined when it is unknown. */
  promiseOf(instance: string): bigint | undefined {
    return this.#merger.promiseOf(instance)
  }

  /** Sets what asks the peers for records. */
  onWanted(fetch: () => Promise<void>): void {
    this.#fetch = fetch
  }

  async append(records: readonly LogRecord[]): Promise<Appended> {
    const { store, sharing, announcer } = this.#options
    const entry = { floor: sharing.mark(0n) }
    this.#floors.add(entry)
    try {
      const appended = await store.append(records)
      if (appended.stored.length > 0) {
        this.#merger.commit(appended, performance.now())
        announcer.commit(appended)
      }
      return appended
    } finally {
      this.#floors.delete(entry)
      this.tick()
    }
  }

  async reach(received: bigint): Promise<void> {
    const startMs = performance.now()
    while (this.lastReceived < received && performance.now() - startMs < REACH_MS) await delay(REACH_STEP_MS)
  }

  async join(): Promise<() => void> {
    this.#tails++
    clearTimeout(this.#linger)
    this.#linger = undefined
    await this.#fetch()
    return () => {
      this.#tails--
      if (this.#tails > 0) return
      this.#linger = setTimeout(() => {
        this.#linger = undefined
      }, LINGER_MS)
      this.#linger.unref()
    }
  }

  /** Everything that is committed here from now on comes after what a peer has shown. Throws SWARMLOGS_USAGE for a clock that is far ahead. */
  follow(safe: bigint): void {
    const { sharing } = this.#options
    if (safe - sharing.mark(0n) > MAX_AHEAD_NS)
      throw new SwarmlogsError('SWARMLOGS_USAGE', "cannot follow a peer's clock that runs hours ahead: set it by NTP")
    sharing.mark(safe)
  }

  /** Shows nothing more until what is returned is called. */
  hold(): () => void {
    const id = `${HOLD}${this.#holds++}`
    this.#merger.arrive(id, undefined, performance.now())
    return () => this.#merger.leave(id)
  }

  /** Takes what a peer tells; `hello` has come before. Without records, what it committed is to be read from the store. */
  take(instance: string, frame: CommitFrame, hasRecords: boolean): void {
    const nowMs = performance.now()
    switch (frame.kind) {
      case 'hello':
        this.#merger.arrive(instance, frame.missingUpTo, nowMs)
        break
      case 'commit':
        this.#merger.commit({ ...frame, duplicates: 0 }, nowMs, instance)
        this.#observe(frame.received)
        break
      case 'promise':
        if (!hasRecords) this.#merger.miss(frame.newest)
        this.#merger.promise(instance, frame.promise)
        this.#observe(frame.newest)
        this.#nudge(false)
        break
      case 'bye':
        this.#merger.leave(instance)
        this.#nudge(false)
    }
  }

  /** A peer is out of reach. */
  away(instance: string): void {
    this.#merger.away(instance, performance.now())
  }

  /** Tells the peers up to where nothing more will come, and shows what can be shown. */
  tick(): void {
    this.#nudge(true)
  }

  /** Answers which peers nobody waits for any more, as of now. */
  check(): string[] {
    return this.#merger.check(performance.now()).filter((id) => !id.startsWith(HOLD))
  }

  /** A peer has committed something: to be shown it waits for the promise of this server that nothing before it will come. */
  #observe(received: bigint): void {
    if (received <= this.#seen) return
    this.#seen = received
    const { sharing } = this.#options
    sharing.observe(received)
    sharing.mark(received)
    this.#nudge(true)
  }

  #nudge(mustAnnounce: boolean): void {
    this.#mustAnnounce ||= mustAnnounce
    if (this.#isNudged) return
    this.#isNudged = true
    setImmediate(() => {
      this.#isNudged = false
      // A promise that answers each promise would never end.
      if (this.#mustAnnounce) this.#options.announcer.promise(this.#promise())
      this.#mustAnnounce = false
      this.#merger.advance()
    })
  }

  /** Every commit of this server that was not announced yet is later. */
  #promise(): bigint {
    for (const { floor } of this.#floors) return floor
    return this.#options.sharing.mark(0n)
  }
}
