import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'

type Close = () => Promise<void> | void

/** What is open, and has to be closed in reverse order, also when a later part could not be opened. */
export class Closers {
  readonly #closes: Close[] = []

  /** Adds what closes a part that was just opened. */
  add(close: Close): void {
    this.#closes.push(close)
  }

  /** Closes all; gives up waiting, not closing, after `withinMs`. Errors are logged: they must not keep the other parts open. */
  async close(log: Logger, withinMs: number): Promise<void> {
    const done = new AbortController()
    const late = delay(withinMs, true, { ref: false, signal: done.signal }).catch(() => false)
    const isLate = await Promise.race([this.#closeAll(log).then(() => false), late])
    done.abort()
    if (isLate) log.error('server did not stop in time: what was not acked is sent again')
  }

  async #closeAll(log: Logger): Promise<void> {
    for (let close = this.#closes.pop(); close !== undefined; close = this.#closes.pop()) {
      try {
        await close()
      } catch (error) {
        log.error({ err: error }, 'a part of the server could not be closed')
      }
    }
  }
}
