import { setTimeout as delay } from 'node:timers/promises'

const FIRST_MS = 50
const MAX_MS = 5_000

/** Waits longer from time to time, up to five seconds, each time by chance a little shorter so that servers do not come back together. */
export class Backoff {
  #nextMs = FIRST_MS

  /** Rejects when the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    const ms = this.#nextMs * (0.5 + Math.random() / 2)
    this.#nextMs = Math.min(this.#nextMs * 2, MAX_MS)
    await delay(ms, undefined, { signal })
  }

  reset(): void {
    this.#nextMs = FIRST_MS
  }
}
