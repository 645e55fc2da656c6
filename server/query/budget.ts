/** The time that a query may take of the store; what its client takes for the answer does not count. */
export class Budget {
  readonly #ms: number
  readonly #spent = new AbortController()
  #leftMs: number

  /** What need not look at lines has no bound: it finds each line that it reads. */
  constructor(ms: number, looksAtLines: boolean) {
    this.#ms = ms
    this.#leftMs = looksAtLines ? ms : Number.POSITIVE_INFINITY
  }

  /** Why the answer is only a part of what was asked for; undefined while there is time left. */
  get stopped(): string | undefined {
    if (!this.#spent.signal.aborted) return undefined
    return `the query took longer than ${this.#ms / 1000} s: this is what was found until then; ask about less time or fewer services`
  }

  /** Aborts when the time is up, or with the other signal. */
  signal(other: AbortSignal): AbortSignal {
    return AbortSignal.any([other, this.#spent.signal])
  }

  /** What an answer yields, until the time is up: it must end when the signal aborts. */
  async *over<T>(answer: AsyncIterable<T>): AsyncGenerator<T> {
    const iterator = answer[Symbol.asyncIterator]()
    try {
      while (this.#leftMs > 0) {
        const next = await this.run(() => iterator.next())
        if (next.done === true) return
        yield next.value
      }
    } finally {
      await iterator.return?.()
    }
  }

  /** Does a piece of work of which the time counts. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const start = performance.now()
    const timer = Number.isFinite(this.#leftMs) ? setTimeout(() => this.#spent.abort(), this.#leftMs) : undefined
    try {
      return await work()
    } finally {
      clearTimeout(timer)
      this.#leftMs -= performance.now() - start
      if (this.#leftMs <= 0) this.#spent.abort()
    }
  }
}
