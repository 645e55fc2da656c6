import { unavailable } from './unavailable.ts'

/** Lets so many in at a time; the others wait in order of arrival, and beyond `maxWaiting` are refused. */
export class Gate {
  readonly #waiting = new Set<() => void>()
  readonly #maxWaiting: number
  #free: number

  constructor(limit: number, maxWaiting = Number.POSITIVE_INFINITY) {
    this.#free = limit
    this.#maxWaiting = maxWaiting
  }

  /** Resolves when it is this caller's turn, with what it must call when it is done. Rejects when the signal aborts while it waits. */
  async enter(signal?: AbortSignal): Promise<() => void> {
    if (this.#free > 0) this.#free--
    else await this.#wait(signal)
    let entered = true
    return () => {
      if (entered) this.#leave()
      entered = false
    }
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    const leave = await this.enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }

  async #wait(signal?: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#maxWaiting) throw unavailable('search now: too many searches wait, try again later')
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const giveUp = (): void => {
      this.#waiting.delete(resolve)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', giveUp)
    this.#waiting.add(resolve)
    await promise.finally(() => signal?.removeEventListener('abort', giveUp))
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
