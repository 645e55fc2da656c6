import { setTimeout as sleep } from 'node:timers/promises'
import type { DirectLine, DirectListener, DirectWanted } from '../shared/direct.ts'
import { SwarmlogsError } from '../shared/errors.ts'
import type { Source } from '../shared/record.ts'
import { compareLines, inOrder } from './direct/order.ts'
import { keyOf, type Origin } from './direct/origin.ts'
import { inspected, readPart } from './direct/read.ts'
import { type Survey, survey } from './direct/survey.ts'
import { Merge } from './merge.ts'
import { Engine, type EngineAddress } from './tail/engine.ts'
import { Slots } from './tail/slots.ts'

/** So many logs are read at once at most where all of each is wanted, and so many where the newest lines are. */
const MAX_LOGS = 500
const AT_ONCE = 16
/** The longest line is so many frames of Docker's; the oldest of `tail=N` frames may be the end of one. */
const LONGEST_LINE_FRAMES = 65
const RELIST_MS = 1_000
/** The sources of a container are not in order; further back nothing comes. */
const OVERLAP_NS = 1_000_000_000n
const CHUNK_LINES = 1_000

/** How far a log was read: the last line of each source. */
type Reached = Map<Source, Pick<DirectLine, 'time' | 'ordinal'>>

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
      yield* chunked(await this.#newest(chosen, wanted, wanted.newest))
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
    const last = [...reached.values()].reduce<bigint | undefined>((max, { time }) => later(max, time), undefined)
    // Of `tail=0` an older manager gives all. What could not be read before is not what the newest lines are.
    const usual = wanted.newest !== undefined && isFirst ? this.#begun : wanted.since
    const since = last === undefined ? usual : last - OVERLAP_NS
    try {
      const origin = await inspected(listed, wanted.wantsDetails, this.#signal)
      const part = { tail: 'all' as const, since, follow: true }
      for await (const batch of readPart(origin, part, this.#signal)) {
        const fresh = batch.filter((line) => isBehind(line, reached))
        note(reached, fresh)
        const taken = fresh.filter(wanted.takesLine)
        if (taken.length > 0) yield taken
      }
    } catch (error) {
      // An engine that went away is tried again by the next list.
      if (!this.#signal.aborted) this.#complain(listed, error)
    }
  }

  async #newest(origins: readonly Origin[], wanted: DirectWanted, count: number): Promise<DirectLine[]> {
    const slots = new Slots(AT_ONCE)
    let all: DirectLine[] = []
    const keep = (lines: DirectLine[]) => {
      all = [...all, ...lines].sort(compareLines)
      if (!wanted.perTask) all = newestOf(all, count)
    }
    await Promise.all(
      origins.map(async (origin) => {
        const release = await slots.acquire(this.#signal)
        try {
          let newest: DirectLine[] = []
          for await (const batch of this.#read(origin, wanted)) {
            newest.push(...batch)
            if (newest.length > 2 * count + CHUNK_LINES) newest = newestOf(newest.sort(compareLines), count)
          }
          keep(newestOf(newest.sort(compareLines), count))
        } finally {
          release()
        }
      }),
    )
    return all
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
        if (isCounted && reached.size === 0) bound(reached, batch[0])
        note(reached, batch)
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
    const reached: Reached = new Map()
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

function isBehind({ source, time, ordinal }: DirectLine, reached: Reached): boolean {
  const last = reached.get(source)
  return last === undefined || time > last.time || (time === last.time && ordinal > last.ordinal)
}

function note(reached: Reached, lines: readonly DirectLine[]): void {
  for (const line of lines) if (isBehind(line, reached)) reached.set(line.source, line)
}

/** Lines before the newest ones are not wanted, whatever their source: one may have none among these. */
function bound(reached: Reached, first: DirectLine | undefined): void {
  if (first === undefined) return
  for (const source of ['stdout', 'stderr'] as const) reached.set(source, { time: first.time - 1n, ordinal: 0 })
}

function later(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b > a ? b : a
}

function newestOf(lines: DirectLine[], count: number): DirectLine[] {
  return count === 0 ? [] : lines.slice(-count)
}

function* chunked(lines: readonly DirectLine[]): Generator<readonly DirectLine[]> {
  for (let from = 0; from < lines.length; from += CHUNK_LINES) yield lines.slice(from, from + CHUNK_LINES)
}
