import { unavailable } from '../unavailable.ts'
import { Backoff } from './backoff.ts'
import { failureOf, messageOf } from './failure.ts'
import type { Health } from './health.ts'

/** Does work that must succeed: again and again while the cluster is away, until the store is closed. */
export class Insist {
  readonly #health: Health
  readonly #closing: AbortSignal

  constructor(health: Health, closing: AbortSignal) {
    this.#health = health
    this.#closing = closing
  }

  /** Throws SWARMLOGS_STORE_UNAVAILABLE only when the store is closed. */
  async on<T>(work: () => Promise<T>): Promise<T> {
    const backoff = new Backoff()
    for (let hasFailed = false; ; hasFailed = true) {
      try {
        const result = await work()
        if (hasFailed) this.#health.recover()
        return result
      } catch (error) {
        await this.pause(backoff, error)
      }
    }
  }

  /** Notes the failure and waits before the next try. */
  async pause(backoff: Backoff, error: unknown): Promise<void> {
    const reason = error instanceof Retry ? error.message : messageOf(error)
    const isBusy = error instanceof Retry ? error.isBusy : failureOf(error) === 'busy'
    if (isBusy) this.#health.wait(reason)
    else this.#health.fail(reason)
    try {
      await backoff.wait(this.#closing)
    } catch {
      throw unavailable(`store now: the store was closed while it could not write (${reason})`, error)
    }
  }
}

/** What Elasticsearch answered asks for another try. */
export class Retry extends Error {
  readonly isBusy: boolean
  /** An index is not there any more. */
  readonly isMissing: boolean

  constructor(reason: string, isBusy: boolean, isMissing = false) {
    super(reason)
    this.isBusy = isBusy
    this.isMissing = isMissing
  }
}
