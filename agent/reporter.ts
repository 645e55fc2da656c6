import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Forwarder } from './forwarder.ts'
import type { Spool } from './spool.ts'
import type { AgentStatus } from './status.ts'

export interface ReporterOptions {
  readonly spool: Spool
  readonly forwarder: Forwarder
  readonly status: AgentStatus
  readonly log: Logger
}

const EVERY_MS = 60_000

/** Says in the log once a minute what the agent is doing, when that has changed. */
export class Reporter {
  readonly #options: ReporterOptions
  #said = ''

  constructor(options: ReporterOptions) {
    this.#options = options
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(EVERY_MS, undefined, { signal, ref: false }).catch(() => {})
      if (!signal.aborted) this.report()
    }
  }

  /** Logs the numbers unless they are those of the last time. */
  report(): void {
    const { spool, forwarder, status, log } = this.#options
    const numbers = {
      following: status.following,
      history: status.history,
      lines: status.lines,
      bytes: status.bytes,
      store: spool.store,
      spooledChunks: spool.size,
      spooledBytes: spool.bytes,
      spoolWaits: spool.waits,
      ...forwarder.status,
      unreadable: Object.fromEntries(status.unreadable),
      elsewhere: [...status.elsewhere],
    }
    const text = JSON.stringify(numbers)
    if (text !== this.#said) log.info(numbers, 'agent status')
    this.#said = text
  }
}
