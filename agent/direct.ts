import { setTimeout as sleep } from 'node:timers/promises'
import type { DirectLine, DirectListener, DirectWanted } from '../shared/direct.ts'
import { SwarmlogsError } from '../shared/errors.ts'
import { newestLines } from './direct/newest.ts'
import { inOrder } from './direct/order.ts'
import { keyOf, type Origin } from './direct/origin.ts'
import { Reached } from './direct/reached.ts'
import { inspected, readPart } from './direct/read.ts'
import { type Survey, survey } from './direct/survey.ts'
import { Merge } from './merge.ts'
import { Engine, type EngineAddress } from './tail/engine.ts'

/** So many logs are read at once at most where all of each is wanted. */
const MAX_LOGS = 500
/** The longest line is so many frames of Docker's; the oldest of `tail=N` frames may be the end of one. */
const LONGEST_LINE_FRAMES = 65
const RELIST_MS = 1_000
/** The sources of a container are not in order; further back nothing comes. */
const OVERLAP_NS = 1_000_000_000n
const CHUNK_LINES = 1_000

/** Reads a Swarm's logs from Docker itself, without a server. */
export class Direct {
  readonly #engines: readonly Engine[]
  readonly #signal: AbortSignal
  readonly #listener: DirectListener
  readonly #reached = new Map<string, Reached>()
  readonly #begun = BigInt(Date.now()) * 1_000_000n

  constructor(addresses: readonly EngineAddress[], signal: AbortSignal, listener: DirectListener) {
    this.#engines = addresses.map((address) => new Engine(address))
    this.#signal = signal
    this.#listener = listener
  }

  /** What there is to read. */
  survey(): Promise<Survey> {
    return survey(this.#engines, this.#signal)
  }

  /** The lines that Docker has, in the order of the store. */
  async *history({ origins }: Survey, wanted: DirectWanted): AsyncGenerator<readonly DirectLine[], void> {
    const chosen = origins.filter(({ stream }) => wanted.takes(stream))
    if (wanted.newest !== undefined) {
      const logs = chosen.map((origin) => () => this.#read(origin, wanted))
      yield* chunked(await newestLines(logs, { count: wanted.newest, perLog: wanted.perTask }, this.#signal))
      return
    }
    if (chosen.length > MAX_LOGS) {
      const message = `cannot read ${chosen.length} logs at once: name services or nodes, or give -n`
      throw new SwarmlogsError('SWARMLOGS_LIMIT', message)
    }
    yield* inOrder(chosen.map((origin) => this.#read(origin, wanted)))
  }

  /** What comes in from where the history ended, also of tasks that come later; until the signal aborts. */
  async *follow(first: Survey, wanted: DirectWanted): AsyncGenerator<readonly DirectLine[], void> {
    const merge = new Merge<DirectLine[]>((lines) => lines.reduce((sum, { message }) => sum + message.length, 0))
    this.#signal.addEventListener('abort', () => merge.close(), { once: true })
    const relisting = this.#relist(first, wanted, merge)
    yield* merge
    await relisting
  }

  async #relist(first: Survey, wanted: DirectWanted, merge: Merge<DirectLine[]>): Promise<void> {
    const followed = new Set<string>()
    let isFirst = true
    let known: Survey = first
    while (!this.#signal.aborted) {
      for (const origin of known.origins) {
        const key = keyOf(origin)
        if (!origin.isRunning || followed.has(key) || !wanted.takes(origin.stream)) continue
        followed.add(key)
        if (!isFirst) this.#listener.changed('comes', origin.stream)
        merge.add(this.#live(origin, wanted, isFirst), 'urgent', () => {
          followed.delete(key)
          if (!this.#signal.aborted) this.#listener.changed('goes', origin.stream)
        })
      }
      isFirst = false
      await sleep(RELIST_MS, undefined, { signal: this.#signal }).catch(() => undefined)
      known = await this.survey().catch(() => known)
      const there = new Set(known.origins.map(keyOf))
      for (const key of this.#reached.keys()) if (!there.has(key) && !followed.has(key)) this.#reached.delete(key)
    }
  }

  /** A log that is followed from where it was read to; of one that nothing was read of, all comes that is wanted. */
  async *#live(listed: Origin, wanted: DirectWanted, isFirst: boolean): AsyncGenerator<DirectLine[], void> {
    const reached = this.#reachedOf(listed)
    // Of `tail=0` an older manager gives all. What could not be read before is not what the newest lines are.
    const usual = wanted.newest !== undefined && isFirst ? this.#begun : wanted.since
    const since = reached.time === undefined ? usual : reached.time - OVERLAP_NS
    try {
      const origin = await inspected(listed, wanted.wantsDetails, this.#signal)
      const part = { tail: 'all' as const, since, follow: true }
      for await (const batch of readPart(origin, part, this.#signal)) {
        const fresh = batch.filter((line) => reached.isBefore(line))
        reached.note(fresh)
        const taken = fresh.filter(wanted.takesLine)
        if (taken.length > 0) yield taken
      }
    } catch (error) {
      // An engine that went away is tried again by the next list.
      if (!this.#signal.aborted) this.#complain(listed, error)
    }
  }

  /** The wanted lines of one log; what cannot be read of it is said. */
  async *#read(listed: Origin, wanted: DirectWanted): AsyncGenerator<DirectLine[], void> {
    const { since, until, newest, takesAll } = wanted
    const reached = this.#reachedOf(listed)
    const isCounted = newest !== undefined && takesAll && until === undefined
    const tail = isCounted ? newest + LONGEST_LINE_FRAMES : ('all' as const)
    try {
      const origin = await inspected(listed, wanted.wantsDetails, this.#signal)
      for await (const batch of readPart(origin, { tail, since, follow: false }, this.#signal)) {
        if (isCounted && reached.isEmpty) reached.begin(batch[0])
        reached.note(batch)
        const taken = batch.filter(
          (line) =>
            (since === undefined || line.time >= since) &&
            (until === undefined || line.time < until) &&
            wanted.takesLine(line),
        )
        if (taken.length > 0) yield taken
      }
    } catch (error) {
      this.#signal.throwIfAborted()
      this.#complain(listed, error)
    }
  }

  #reachedOf(origin: Origin): Reached {
    const key = keyOf(origin)
    const known = this.#reached.get(key)
    if (known !== undefined) return known
    const reached = new Reached()
    this.#reached.set(key, reached)
    return reached
  }

  #complain({ stream }: Origin, error: unknown): void {
    // A container that was removed since the list has no log to miss.
    if (error instanceof SwarmlogsError && error.code === 'SWARMLOGS_NOT_FOUND') return
    const reason = error instanceof Error ? error.message : String(error)
    this.#listener.unreached({ node: stream.nodeName || stream.nodeId, reason, stream })
  }
}

function* chunked(lines: readonly DirectLine[]): Generator<readonly DirectLine[]> {
  for (let from = 0; from < lines.length; from += CHUNK_LINES) yield lines.slice(from, from + CHUNK_LINES)
}
