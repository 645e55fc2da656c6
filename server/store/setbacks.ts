const FIRST_MS = 60_000
const MAX_MS = 3_600_000

interface Setback {
  readonly reason: string
  readonly delayMs: number
  /** Not before that it is tried again. */
  readonly againMs: number
}

/** Work that is due again and again until it succeeds, by name: what failed is left alone for a minute, then ever longer, up to an hour. */
export class Setbacks {
  readonly #byName = new Map<string, Setback>()

  /** Whether it is time to try. */
  mayTry(name: string, nowMs: number): boolean {
    const setback = this.#byName.get(name)
    // A clock that was put back must not have it wait for longer.
    return setback === undefined || nowMs >= setback.againMs || nowMs < setback.againMs - setback.delayMs
  }

  /** Notes that it failed; answers whether that is news. */
  fail(name: string, reason: string, nowMs: number): boolean {
    const before = this.#byName.get(name)
    const delayMs = before === undefined ? FIRST_MS : Math.min(before.delayMs * 2, MAX_MS)
    this.#byName.set(name, { reason, delayMs, againMs: nowMs + delayMs })
    return before?.reason !== reason
  }

  /** It succeeded. */
  clear(name: string): void {
    this.#byName.delete(name)
  }
}
