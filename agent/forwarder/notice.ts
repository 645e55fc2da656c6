import { randomBytes } from 'node:crypto'

/** What is sent beside the chunks, of which only the newest counts: not spooled, one at a time on its way, and again on each connection. */
export class Notice<T> {
  readonly #newest: () => T | undefined
  readonly #frame: (value: T, id: string) => Buffer
  readonly #onAck: (value: T) => void
  #sent: T | undefined
  #id = ''

  constructor(newest: () => T | undefined, frame: (value: T, id: string) => Buffer, onAck: (value: T) => void) {
    this.#newest = newest
    this.#frame = frame
    this.#onAck = onAck
  }

  /** The frame to send now, if there is one. */
  next(): Buffer | undefined {
    const newest = this.#newest()
    if (newest === undefined || newest === this.#sent || this.#id !== '') return undefined
    this.#sent = newest
    this.#id = randomBytes(16).toString('hex')
    return this.#frame(newest, this.#id)
  }

  /** Takes an ack; false when it is of something else. */
  take(id: string): boolean {
    if (id !== this.#id || this.#sent === undefined) return false
    this.#id = ''
    this.#onAck(this.#sent)
    return true
  }
}
