import type { Logger } from 'pino'
import type { Reason } from './refusal.ts'

const QUIET_MS = 60_000
const KEPT = 1024

/** Logs what was not taken: for each address and reason one line a minute, which says how many were left out before it. */
export class Complaints {
  readonly #log: Logger
  /** Least recently logged first, so that the oldest can be dropped at the bound. */
  readonly #last = new Map<string, { at: number; omitted: number }>()

  constructor(log: Logger) {
    this.#log = log
  }

  complain(address: string, reason: Reason, detail: string, now = Date.now()): void {
    const key = `${reason} ${address}`
    const last = this.#last.get(key)
    if (last !== undefined && now - last.at < QUIET_MS) {
      last.omitted++
      return
    }
    this.#last.delete(key)
    const oldest = this.#last.size < KEPT ? undefined : this.#last.keys().next().value
    if (oldest !== undefined) this.#last.delete(oldest)
    this.#last.set(key, { at: now, omitted: 0 })
    this.#log.warn({ address, reason, detail, omitted: last?.omitted ?? 0 }, 'forward input refused')
  }
}
