import type { Logger } from 'pino'

/** Refusals of a busy cluster are common and pass; only when they go on so long the store counts as not writable. */
const PATIENCE_MS = 5_000

/** Whether the cluster takes lines, and why not. */
export class Health {
  readonly #log: Logger
  #reason = ''
  /** Only asking failed; whether writing does is not known. */
  #isUnseen = false
  #busySinceMs: number | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  /** Why nothing can be written, or ''. */
  get reason(): string {
    return this.#reason
  }

  /** The cluster cannot take lines. */
  fail(reason: string): void {
    if (this.#reason === '') this.#log.error({ reason }, 'store cannot take records')
    this.#reason = reason
    this.#isUnseen = false
  }

  /** The cluster did not answer although nobody writes. */
  lose(reason: string): void {
    if (this.#reason !== '') return
    this.fail(reason)
    this.#isUnseen = true
  }

  /** The cluster answers again: who writes will see whether it takes lines. */
  find(): void {
    if (this.#isUnseen) this.recover()
  }

  /** The cluster asks for patience. */
  wait(reason: string, nowMs: number = performance.now()): void {
    if (this.#busySinceMs === undefined) this.#log.debug({ reason }, 'store waits for a busy cluster')
    this.#busySinceMs ??= nowMs
    if (nowMs - this.#busySinceMs > PATIENCE_MS) this.fail(reason)
  }

  /** The cluster took lines. */
  recover(): void {
    if (this.#reason !== '') this.#log.info('store takes records again')
    this.#reason = ''
    this.#busySinceMs = undefined
    this.#isUnseen = false
  }
}
