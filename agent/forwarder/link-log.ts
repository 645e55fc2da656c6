import type { Logger } from 'pino'
import { SwarmlogsError } from '../../shared/errors.ts'

/** The same trouble is logged again only after this. */
const AGAIN_MS = 60_000

/** Logs how the connection to the server is doing: each change once, lasting trouble once a minute. */
export class LinkLog {
  readonly #log: Logger
  #said = ''
  #saidAt = 0
  #omitted = 0

  constructor(log: Logger) {
    this.#log = log
  }

  up(server: string, store: string): void {
    this.#log.info({ server, store }, 'connected to the server')
    this.#said = ''
    this.#omitted = 0
  }

  down(server: string, error: unknown, retryMs: number): void {
    const reason = error instanceof Error ? error.message : String(error)
    const now = performance.now()
    if (reason === this.#said && now - this.#saidAt < AGAIN_MS) {
      this.#omitted += 1
      return
    }
    const code = error instanceof SwarmlogsError ? error.code : ''
    const fields = { server, code, reason, retryMs: Math.round(retryMs), omitted: this.#omitted }
    this.#log.warn(fields, 'not connected to the server; lines are kept in the spool')
    this.#said = reason
    this.#saidAt = now
    this.#omitted = 0
  }
}
