import type { Gap } from '../shared/gap.ts'
import type { Annotation } from './annotations.ts'

/** What an answer tells in its place among the lines. */
export type Told = Gap | Annotation

/** Whether it is what somebody noted. */
export function isAnnotation(told: Told): told is Annotation {
  return 'text' in told
}

/** What waits for one tail at most; the oldest go first, an answer to a search still has them. */
const MAX_WAITING = 1_000

/** Tells the live tails of gaps as they are stored, and of notes as they are made. */
export class GapFeed {
  readonly #queues = new Set<GapQueue>()

  /** Tells of what is stored. */
  publish(gaps: readonly Told[]): void {
    if (gaps.length > 0) for (const queue of this.#queues) queue.offer(gaps)
  }

  /** Begins to collect what is wanted. */
  subscribe(isWanted: (told: Told) => boolean): GapQueue {
    const queue = new GapQueue(isWanted, () => this.#queues.delete(queue))
    this.#queues.add(queue)
    return queue
  }
}

/** What one tail has not been told of. */
export class GapQueue {
  readonly #isWanted: (told: Told) => boolean
  readonly #leave: () => void
  #waiting: Told[] = []
  #wake: (() => void) | undefined

  constructor(isWanted: (told: Told) => boolean, leave: () => void) {
    this.#isWanted = isWanted
    this.#leave = leave
  }

  offer(gaps: readonly Told[]): void {
    this.#waiting.push(...gaps.filter(this.#isWanted))
    if (this.#waiting.length > MAX_WAITING) this.#waiting.splice(0, this.#waiting.length - MAX_WAITING)
    if (this.#waiting.length > 0) this.#wake?.()
  }

  /** Takes what waits. */
  take(): readonly Told[] {
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
