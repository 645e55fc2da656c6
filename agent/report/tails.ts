import { SwarmlogsError } from '../../shared/errors.ts'
import { serviceName } from '../enrich.ts'
import type { Followed } from '../followed.ts'
import type { LineTime } from '../lines.ts'
import type { Piece } from '../tail/piece.ts'
import type { Target } from '../target.ts'
import type { Lag } from './watermark.ts'

/** What a follow shows of itself. */
export interface Following {
  /** Times of the lines that have begun and not ended. */
  readonly open: Readonly<Partial<Record<string, LineTime>>>
}

/**
 * From a line's time to the moment when a follow brings it: the engine stamps a line, writes it, and only then shows it. Everything older is
 * taken to be here once there is nothing to read.
 */
export const MARGIN_NS = 1_000_000_000n

/** One live tail: whether it waits for its container to say something. */
class Tail {
  readonly followed: Followed
  following: Following | undefined
  /** Since when a piece is asked for; NaN while none is. */
  askedMs = Number.NaN
  isOver = false

  constructor(followed: Followed) {
    this.followed = followed
  }

  /** Nothing of its log is left to read. */
  get isFinished(): boolean {
    return this.isOver && !this.followed.progress.history
  }

  /** Whether it was asked for more before a moment, has none, and would be told of any. */
  isIdle(sinceMs: number): boolean {
    return this.following !== undefined && this.askedMs <= sinceMs
  }

  /** How far it is behind a time; undefined: not at all. */
  lag(now: bigint, sinceMs: number): Lag | undefined {
    const { live, history } = this.followed.progress
    const service = serviceName(this.followed.target)
    if (live === undefined || history) return { upTo: nanos(this.followed.horizon), isNew: true, service }
    if (this.isOver) return undefined
    const [open] = timesOf(this.following?.open ?? {})
    if (open !== undefined && open <= now - MARGIN_NS) return { upTo: open - 1n, isNew: false, service }
    const read = timesOf(live.last).at(-1) ?? nanos(this.followed.horizon)
    if (this.isIdle(sinceMs)) return undefined
    // Its clock was ahead when that was written: how far it is read by the clock of now is not known.
    if (read > now + MARGIN_NS / 2n) return { upTo: nanos(this.followed.horizon), isNew: false, service }
    // Lines of the two sources are not quite in the order of their times.
    if (read >= now - MARGIN_NS / 2n) return undefined
    return { upTo: read - MARGIN_NS, isNew: false, service }
  }
}

/** The live tails of one round of following, for the report: which of them have read all that there is. */
export class Tails {
  readonly #tails = new Map<string, Tail>()
  /** The engine has said once what containers there are. */
  isListed = false
  /** Gaps of the node that are about to be handed on. */
  untold = 0

  /** Passes a live tail on, watching it. */
  async *over(
    followed: Followed,
    pieces: AsyncGenerator<Piece, void>,
    signal: AbortSignal,
  ): AsyncGenerator<Piece, void> {
    const tail = new Tail(followed)
    this.#tails.set(followed.target.id, tail)
    try {
      for (;;) {
        tail.askedMs = performance.now()
        const next = await pieces.next()
        tail.askedMs = Number.NaN
        if (next.done === true) break
        yield next.value
      }
      tail.isOver = !signal.aborted
    } catch (error) {
      // One that cannot be read at all is told as such.
      if (error instanceof SwarmlogsError && error.code === 'SWARMLOGS_LOG_UNREADABLE')
        this.#tails.delete(followed.target.id)
      throw error
    } finally {
      await pieces.return()
    }
  }

  /** A tail has begun to be told of each new line, or is not any more. */
  following(id: string, following: Following | undefined): void {
    const tail = this.#tails.get(id)
    if (tail !== undefined) tail.following = following
  }

  /** The containers that are being read. */
  get targets(): Target[] {
    return [...this.#tails.values()].map(({ followed }) => followed.target)
  }

  /** Ids of containers that still run, or are not read to their end. */
  get unfinished(): string[] {
    return [...this.#tails].filter(([, tail]) => !tail.isFinished).map(([id]) => id)
  }

  /** Those that have not read all up to a time (of the engine's clock), which is `sinceMs` on our own. */
  behind(now: bigint, sinceMs: number): ReadonlyMap<string, Lag> {
    const behind = new Map<string, Lag>()
    for (const [id, tail] of this.#tails) {
      // What cannot be read any more since the container is gone is told as a gap.
      if (tail.isFinished || (tail.isOver && tail.followed.missed > 1)) this.#tails.delete(id)
      const lag = tail.lag(now, sinceMs)
      if (lag !== undefined && this.#tails.has(id)) behind.set(id, lag)
    }
    return behind
  }
}

/** Times in nanoseconds, oldest first. */
function timesOf(times: Readonly<Partial<Record<string, readonly number[]>>>): bigint[] {
  const all = Object.values(times).flatMap((time) => (time === undefined ? [] : [nanos([time[0] ?? 0, time[1] ?? 0])]))
  return all.sort((a, b) => (a < b ? -1 : 1))
}

function nanos([seconds, rest]: LineTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(rest)
}
