import { encodeFrame } from './frames.ts'

/** What may wait for a peer; beyond, its stream ends: it comes again, and reads the store. */
const MAX_BYTES = 16 * 2 ** 20

/** What waits to be sent to one peer. A promise is sent after all that was announced before it; only the newest one waits. */
export class Feed {
  /** Whether the peer wants the records, not the promises alone. */
  readonly wantsRecords: boolean
  readonly #leave: () => void
  #queue: Buffer[] = []
  #bytes = 0
  #promise: { readonly promise: bigint; readonly newest: bigint } | undefined
  #isOver = false
  #wake: (() => void) | undefined

  constructor(wantsRecords: boolean, leave: () => void) {
    this.wantsRecords = wantsRecords
    this.#leave = leave
  }

  /** Sends bytes. */
  push(bytes: Buffer): void {
    if (this.#isOver) return
    this.#queue.push(bytes)
    this.#bytes += bytes.length
    if (this.#bytes > MAX_BYTES) this.close()
    this.#wake?.()
  }

  /** Sends a promise. */
  promise(promise: bigint, newest: bigint): void {
    this.#promise = { promise, newest }
    this.#wake?.()
  }

  /** Sends a last frame, then ends. */
  end(bytes: Buffer): void {
    this.push(bytes)
    this.#isOver = true
    this.#leave()
    this.#wake?.()
  }

  /** Ends at once. */
  close(): void {
    this.#queue = []
    this.#bytes = 0
    this.#promise = undefined
    this.#isOver = true
    this.#leave()
    this.#wake?.()
  }

  /** What is to be sent, as it comes. */
  async *chunks(signal: AbortSignal): AsyncGenerator<Buffer> {
    const wake = () => this.#wake?.()
    signal.addEventListener('abort', wake)
    try {
      while (!signal.aborted) {
        const chunk = this.#take()
        if (chunk !== undefined) yield chunk
        else if (this.#isOver) return
        else await this.#wait()
      }
    } finally {
      signal.removeEventListener('abort', wake)
      this.close()
    }
  }

  #take(): Buffer | undefined {
    const parts = this.#queue
    if (this.#promise !== undefined) parts.push(encodeFrame({ kind: 'promise', ...this.#promise }))
    this.#queue = []
    this.#bytes = 0
    this.#promise = undefined
    return parts.length > 0 ? Buffer.concat(parts) : undefined
  }

  async #wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    await promise
    this.#wake = undefined
  }
}
