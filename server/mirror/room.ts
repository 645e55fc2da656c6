import { statfs } from 'node:fs/promises'
import type { Logger } from 'pino'

/** More than the store leaves free: on one disk it is the mirror that stops first. Packing needs some, too. */
const RESERVE_BYTES = 256 * 2 ** 20
/** Once it has stopped, so much must be free: else it would stop and go on all the time. */
const RESUME_BYTES = 320 * 2 ** 20

/** Asks how much of the disk that a folder is on is free. */
export type FreeBytes = (dir: string) => Promise<number>

/** Watches that the mirror does not fill its disk. */
export class Room {
  readonly #dir: string
  readonly #log: Logger
  readonly #freeBytes: FreeBytes
  #isFull = false

  constructor(dir: string, log: Logger, freeBytes: FreeBytes = freeBytesOf) {
    this.#dir = dir
    this.#log = log
    this.#freeBytes = freeBytes
  }

  /** Whether more lines may be written; the log tells when that changes. */
  async isLeft(): Promise<boolean> {
    const free = await this.#freeBytes(this.#dir)
    const isFull = free < (this.#isFull ? RESUME_BYTES : RESERVE_BYTES)
    const facts = { dir: this.#dir, freeMib: Math.floor(free / 2 ** 20) }
    if (isFull && !this.#isFull)
      this.#log.error(facts, 'the mirror is not written, as its disk is full: make room, or lower --mirror-max-size')
    if (!isFull && this.#isFull) this.#log.info(facts, 'the mirror is written again')
    this.#isFull = isFull
    return !isFull
  }
}

async function freeBytesOf(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize
}
