/** A chunk that is on its way. */
export interface InFlight {
  readonly seq: number
  readonly bytes: number
}

/** So many chunks, and bytes of them, may wait for their acks on one connection; a single chunk may have any size. */
const MAX_CHUNKS = 8
const MAX_BYTES = 8 * 1024 * 1024
/** With more than this on its way, the next chunk may as well grow. */
const BUSY_CHUNKS = 4

/** The chunks of one connection that are sent and not acked. Their bytes stay in the spool. */
export class Window {
  readonly #chunks = new Map<string, InFlight>()
  #bytes = 0
  #movedAt = performance.now()

  get size(): number {
    return this.#chunks.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get hasRoom(): boolean {
    return this.#chunks.size === 0 || (this.#chunks.size < MAX_CHUNKS && this.#bytes < MAX_BYTES)
  }

  get isBusy(): boolean {
    return this.#chunks.size >= BUSY_CHUNKS
  }

  /** Milliseconds that chunks have been waiting without a single ack; 0 when none waits. */
  get stalledMs(): number {
    return this.#chunks.size === 0 ? 0 : performance.now() - this.#movedAt
  }

  add(id: string, chunk: InFlight): void {
    if (this.#chunks.size === 0) this.#movedAt = performance.now()
    this.#chunks.set(id, chunk)
    this.#bytes += chunk.bytes
  }

  /** Takes an acked chunk out; undefined when no such chunk is on its way. */
  take(id: string): InFlight | undefined {
    const chunk = this.#chunks.get(id)
    if (chunk === undefined) return undefined
    this.#chunks.delete(id)
    this.#bytes -= chunk.bytes
    this.#movedAt = performance.now()
    return chunk
  }
}
