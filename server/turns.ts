import { Problem } from './problem.ts'

/** So many queries are worked on at once; so many more wait, in order. */
const RUNNING = 4
const WAITING = 64

/** Gives queries that take much, of memory or of the store, their turns: a dashboard asks for all of its panels at once. */
export class Turns {
  readonly #waiting = new Set<() => void>()
  readonly #maxWaiting: number
  #free: number

  constructor(running = RUNNING, waiting = WAITING) {
    this.#free = running
    this.#maxWaiting = waiting
  }

  /** Does the work when it is its turn. Throws a Problem (429) when too many wait; rejects when the signal aborts before. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const leave = await this.#enter(signal)
    try {
      return await work()
    } finally {
      leave()
    }
  }

  /** Yields the items when it is the turn of whoever asks for them, which lasts until they end. */
  async *over<T>(signal: AbortSignal, items: AsyncIterable<T>): AsyncGenerator<T> {
    const leave = await this.#enter(signal)
    try {
      yield* items
    } finally {
      leave()
    }
  }

  async #enter(signal: AbortSignal): Promise<() => void> {
    if (this.#free > 0) this.#free--
    else await this.#wait(signal)
    return () => this.#leave()
  }

  async #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#maxWaiting) throw tooMany(this.#maxWaiting)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leave = (): void => {
      this.#waiting.delete(resolve)
      reject(signal.reason)
    }
    signal.throwIfAborted()
    signal.addEventListener('abort', leave)
    this.#waiting.add(resolve)
    await promise.finally(() => signal.removeEventListener('abort', leave))
  }

  #leave(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#free++
    else {
      this.#waiting.delete(next)
      next()
    }
  }
}

function tooMany(waiting: number): Problem {
  const message = `cannot take another query: ${waiting} wait for their turn already; try again later, or ask fewer at once`
  return new Problem('SWARMLOGS_LIMIT', 429, { code: 'too_many_queries', message })
}
