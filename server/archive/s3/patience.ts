import { setTimeout as delay } from 'node:timers/promises'
import { codeOf, nameOf, statusOf } from './failure.ts'

const TRIES = 9
const FIRST_MS = 100
const MAX_MS = 8_000

const TEMPORARY =
  /^(SlowDown|Throttl\w*|RequestLimitExceeded|RequestTimeout|TimeoutError|InternalError|ServiceUnavailable|OperationAborted|RequestTimeTooSkewed|BadDigest|IncompleteBody)$/
// A name that cannot be resolved is a typing error far more often than it is an outage.
const NETWORK =
  /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ERR_STREAM_PREMATURE_CLOSE|UND_ERR_\w+)$/

/** How often a thing is tried: nine times, over some twenty seconds, unless something moved in between. */
export class Patience {
  #tries = 0

  /** Whether trying again after this error makes sense; counts it. */
  mayHelp(error: unknown): boolean {
    this.#tries++
    return this.#tries < TRIES && isTemporary(error)
  }

  /** Waits longer each time, by chance a little shorter so that many do not come back together. Rejects when the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    const ms = Math.min(FIRST_MS * 2 ** (this.#tries - 1), MAX_MS) * (0.5 + Math.random() / 2)
    await delay(ms, undefined, { signal })
  }

  /** Something moved: the next trouble is a new one. */
  reset(): void {
    this.#tries = 0
  }
}

function isTemporary(error: unknown): boolean {
  const status = statusOf(error)
  if (status === 501) return false
  return (
    status >= 500 || status === 429 || status === 408 || TEMPORARY.test(nameOf(error)) || NETWORK.test(codeOf(error))
  )
}
