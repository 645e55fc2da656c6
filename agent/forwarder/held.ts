import { Bell } from '../bell.ts'
import type { SealedChunk, SpooledChunk } from '../chunk.ts'
import type { Outgoing } from './outgoing.ts'

/** What may wait for acks: whoever adds more waits. */
const MAX_BYTES = 16 * 1024 * 1024
const MAX_CHUNKS = 64

/** Chunks that are held in memory alone until they are acked: for lines that are somewhere else, too. */
export class HeldChunks implements Outgoing {
  readonly changed = new Bell()
  readonly #chunks = new Map<number, SpooledChunk & { readonly addedMs: number }>()
  #bytes = 0
  #lastSeq = 0
  #ackedRecords = 0

  get lastSeq(): number {
    return this.#lastSeq
  }

  /** Lines that the receiver has. */
  get ackedRecords(): number {
    return this.#ackedRecords
  }

  /** Resolves when there is room for it, or the signal comes: then it is not taken. */
  async add({ id, records, body, option }: SealedChunk, signal: AbortSignal): Promise<void> {
    await this.#until(() => this.#chunks.size < MAX_CHUNKS && this.#bytes < MAX_BYTES, signal)
    if (signal.aborted) return
    const seq = ++this.#lastSeq
    this.#chunks.set(seq, { seq, id, records, body, option, addedMs: performance.now() })
    this.#bytes += body.length
    this.changed.ring()
  }

  /** Resolves when all are acked, or the signal comes. */
  drained(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.#chunks.size === 0, signal)
  }

  next(afterSeq: number, upToSeq = Number.POSITIVE_INFINITY): SpooledChunk | undefined {
    for (const [seq, chunk] of this.#chunks) if (seq > afterSeq) return seq <= upToSeq ? chunk : undefined
    return undefined
  }

  waitedMs(afterSeq: number): number | undefined {
    for (const [seq, { addedMs }] of this.#chunks) if (seq > afterSeq) return performance.now() - addedMs
    return undefined
  }

  sending(): void {}

  callBack(): void {}

  remove(seq: number): void {
    const chunk = this.#chunks.get(seq)
    if (chunk === undefined) return
    this.#chunks.delete(seq)
    this.#bytes -= chunk.body.length
    this.#ackedRecords += chunk.records
    this.changed.ring()
  }

  async #until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
    const wake = () => this.changed.ring()
    signal.addEventListener('abort', wake)
    while (!isSo() && !signal.aborted) await this.changed.wait()
    signal.removeEventListener('abort', wake)
  }
}
