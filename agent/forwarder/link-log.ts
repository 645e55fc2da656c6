import type { Logger } from 'pino'

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
    const said = error instanceof Error ? error.message : String(error)
    const now = performance.now()
    if (said === this.#said && now - this.#saidAt < AGAIN_MS) {
      this.#omitted += 1
      return
    }
    this.#log.warn(
      { server, err: error, retryMs: Math.round(retryMs), omitted: this.#omitted },
      'not connected to the server; lines are kept in the spool',
    )
    this.#said = said
    this.#saidAt = now
    this.#omitted = 0
  }
}
