import type { Gap } from '../shared/gap.ts'

/** Gaps that wait for one tail; the oldest go first, an answer to a search still has them. */
const MAX_WAITING = 1_000

/** Tells the live tails of gaps as they are stored. */
export class GapFeed {
  readonly #queues = new Set<GapQueue>()

  /** Tells of gaps that are stored. */
  publish(gaps: readonly Gap[]): void {
    if (gaps.length > 0) for (const queue of this.#queues) queue.offer(gaps)
  }

  /** Begins to collect the gaps that are wanted. */
  subscribe(isWanted: (gap: Gap) => boolean): GapQueue {
    const queue = new GapQueue(isWanted, () => this.#queues.delete(queue))
    this.#queues.add(queue)
    return queue
  }
}

/** The gaps that one tail has not been told of. */
export class GapQueue {
  readonly #isWanted: (gap: Gap) => boolean
  readonly #leave: () => void
  #waiting: Gap[] = []
  #wake: (() => void) | undefined

  constructor(isWanted: (gap: Gap) => boolean, leave: () => void) {
    this.#isWanted = isWanted
    this.#leave = leave
  }

  offer(gaps: readonly Gap[]): void {
    this.#waiting.push(...gaps.filter(this.#isWanted))
    if (this.#waiting.length > MAX_WAITING) this.#waiting.splice(0, this.#waiting.length - MAX_WAITING)
    if (this.#waiting.length > 0) this.#wake?.()
  }

  /** Takes what waits. */
  take(): readonly Gap[] {
    return this.#waiting.splice(0)
  }

  /** Resolves when something waits, or after so long. One may wait. */
  async wait(timeoutMs: number): Promise<undefined> {
    if (this.#waiting.length > 0) return undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, timeoutMs)
    timer.unref()
    this.#wake = resolve
    await promise
    clearTimeout(timer)
    return undefined
  }

  close(): void {
    this.#leave()
    this.#wake?.()
  }
}
