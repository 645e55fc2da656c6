import { refused } from './refuse.ts'

/** So many lines are looked at for one answer. */
const MAX_LINES = 2_000_000

/** What one answer may cost. Answers say so when it was not enough. */
export class Budget {
  /** Aborts when the client is gone, the server stops or the time is over. */
  readonly signal: AbortSignal
  readonly #timeout: AbortSignal
  readonly #maxLines: number
  readonly #maxMs: number
  readonly #start = performance.now()
  #lines = 0

  constructor(signal: AbortSignal, maxMs: number, maxLines = MAX_LINES) {
    this.#timeout = AbortSignal.timeout(maxMs)
    this.signal = AbortSignal.any([signal, this.#timeout])
    this.#maxLines = maxLines
    this.#maxMs = maxMs
  }

  /** Lines that were looked at. */
  get lines(): number {
    return this.#lines
  }

  /** Seconds since it was made. */
  get seconds(): number {
    return (performance.now() - this.#start) / 1000
  }

  /** Notes that so many lines were looked at. */
  spend(lines: number): void {
    this.#lines += lines
  }

  /** What is used up; undefined as long as there is some left. */
  get spent(): string | undefined {
    if (this.#timeout.aborted) return `it takes longer than ${this.#maxMs / 1000} s`
    return this.#lines > this.#maxLines ? `more than ${this.#maxLines} lines would have to be read` : undefined
  }

  /** Throws a Problem (400) when it is used up: half a count would be a lie. */
  check(): void {
    const { spent } = this
    if (spent === undefined) return
    const advice = 'ask about less time, or choose fewer streams'
    throw refused(`cannot count all lines: ${spent}; ${advice}`)
  }

  /** Runs work that rejects when the signal aborts; that the time is over is said. */
  async run<Value>(work: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
    try {
      return await work(this.signal)
    } catch (error) {
      this.check()
      throw error
    }
  }
}
