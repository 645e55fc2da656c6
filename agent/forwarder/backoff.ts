const FIRST_MS = 200
const LONGEST_MS = 10_000

/** Waits between tries: doubling from 0.2 s to 10 s, each shortened by up to half, so that agents do not come all at once. */
export class Backoff {
  #failures = 0

  /** Milliseconds to wait before the next try. */
  next(): number {
    const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures)
    this.#failures = Math.min(this.#failures + 1, 10)
    return full * (0.5 + Math.random() / 2)
  }

  /** Another try soon would not help: begins with the longest wait. */
  slow(): number {
    this.#failures = 10
    return this.next()
  }

  reset(): void {
    this.#failures = 0
  }
}
