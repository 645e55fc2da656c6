import { unavailable } from './unavailable.ts'

/** Lets so many in at a time; the others wait in order of arrival, and beyond `maxWaiting` are refused. */
export class Gate {
  readonly #waiting: (() => void)[] = []
  readonly #maxWaiting: number
  #free: number

  constructor(limit: number, maxWaiting = Number.POSITIVE_INFINITY) {
    this.#free = limit
    this.#maxWaiting = maxWaiting
  }

  /** Resolves when it is this caller's turn, with what it must call when it is done. */
  async enter(): Promise<() => void> {
    if (this.#free > 0) this.#free--
    else if (this.#waiting.length >= this.#maxWaiting)
      throw unavailable('search now: too many searches wait, try again later')
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
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

  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }
}
