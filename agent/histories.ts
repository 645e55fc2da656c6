import type { FollowOptions } from './follow-options.ts'
import type { Followed } from './followed.ts'
import { historyTail } from './tail/history.ts'
import { later, type Piece, type TailContext } from './tail/piece.ts'
import { Slots } from './tail/slots.ts'

/** How many histories are read at a time: they compete with live lines for the engine. */
const AT_A_TIME = 2

/** Reads what containers had said before they were followed, until no more of it is wanted. */
export class Histories {
  readonly #status: FollowOptions['status']
  readonly #contextOf: (followed: Followed, signal: AbortSignal) => TailContext
  readonly #end = new AbortController()
  readonly #slots = new Slots(AT_A_TIME)
  /** Aborts when no more is read. */
  readonly signal: AbortSignal

  /** `stop` ends all reading; `contextOf` gives what a container is read with. */
  constructor(
    status: FollowOptions['status'],
    stop: AbortSignal,
    contextOf: (followed: Followed, signal: AbortSignal) => TailContext,
  ) {
    this.#status = status
    this.#contextOf = contextOf
    this.signal = AbortSignal.any([stop, this.#end.signal])
  }

  /** Reads no more of any. */
  end(): void {
    this.#end.abort()
  }

  /** Some of its history is left, and nobody reads it. */
  lacks({ isReadingHistory, progress }: Followed): boolean {
    return !isReadingHistory && Boolean(progress.history) && !this.signal.aborted
  }

  /** A container's history, once it is its turn; rejects when the signal aborts before that. */
  async *read(followed: Followed): AsyncGenerator<Piece, void> {
    const release = await this.#slots.acquire(this.signal)
    this.#status.history += 1
    try {
      // It may have grown while it waited for its turn.
      const { history } = followed.progress
      if (!history) return
      const context = this.#contextOf(followed, this.signal)
      yield* historyTail(context, { ...history, horizon: later(history.horizon, context.horizon) })
    } finally {
      this.#status.history -= 1
      release()
    }
  }
}
