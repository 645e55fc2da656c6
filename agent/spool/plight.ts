import type { Logger } from 'pino'

/** Why the spool takes nothing: it is full, its disk cannot be written; '': it does. */
export type Hindrance = '' | 'full' | 'disk'

/** Numbers for the log. */
export interface SpoolNumbers {
  readonly bytes: number
  readonly maxBytes: number
  readonly chunks: number
}

const SAY_DROPPED_EVERY_MS = 60_000

/** What keeps the spool from taking more, and the log of it: each change once. */
export class Plight {
  readonly #log: Logger
  #hindrance: Hindrance = ''
  #dropped = 0
  #saidDroppedMs = Number.NEGATIVE_INFINITY

  constructor(log: Logger) {
    this.#log = log
  }

  get hindrance(): Hindrance {
    return this.#hindrance
  }

  /** Chunks whose lines were dropped. */
  get dropped(): number {
    return this.#dropped
  }

  set(hindrance: Hindrance, numbers: SpoolNumbers): void {
    const before = this.#hindrance
    this.#hindrance = hindrance
    if (before === hindrance) return
    if (hindrance === 'full')
      this.#log.warn(numbers, 'spool is full; reading stops, Docker keeps the logs until the server acks')
    if (hindrance === '') this.#log.info(numbers, 'spool has room again; reading goes on')
  }

  /** The disk could not be written. */
  onDiskTrouble(error: unknown): void {
    if (this.#hindrance !== 'disk') this.#log.error({ err: error }, 'cannot write the spool; waiting for the disk')
  }

  onDropped(maxBytes: number): void {
    this.#dropped += 1
    if (performance.now() - this.#saidDroppedMs < SAY_DROPPED_EVERY_MS) return
    this.#saidDroppedMs = performance.now()
    this.#log.warn(
      { maxBytes, dropped: this.#dropped },
      'spool is full; its oldest lines are dropped, and told as gaps',
    )
  }
}
