import { GrowingBytes } from './growing-bytes.ts'
import { declared, KIND, KINDS, LENGTH_BYTES } from './headers.ts'
import { FRAME_DEPTH } from './limits.ts'
import { Refusal } from './refusal.ts'

const NIL = 0xc0
const FIRST_BYTES = 16 * 1024

/**
 * Cuts a byte stream into frames: top-level msgpack arrays of 1 to 6 elements (nil, a heartbeat, is skipped).
 * It keeps its place between reads, never looks at a byte twice, never recurses, and believes no declared length: at each
 * header, the bytes so far, the announced payload and one byte for each announced value must fit in `maxBytes`.
 */
export class FrameScanner {
  /** Bytes that one frame may have. */
  maxBytes: number
  /** The frame under way when it is torn over reads. */
  #torn = new GrowingBytes(FIRST_BYTES)
  /** Offset in the frame of the next header; beyond the bytes at hand while a payload is awaited. */
  #next = 0
  /** Values still to come, per open array or map. */
  readonly #open = new Uint32Array(FRAME_DEPTH)
  #depth = 0
  /** Sum of `#open`: values that must still come, of one byte at least. */
  #owed = 0
  #begun = false

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** Bytes held of a frame that is not whole yet. */
  get pendingBytes(): number {
    return this.#torn.length
  }

  /**
   * Yields each frame that the chunk completes; it shares memory with the chunk or with nothing.
   * Throws a Refusal when the bytes cannot become a frame; the scanner is of no use after that.
   */
  *push(chunk: Buffer): Generator<Buffer> {
    let rest = chunk
    while (rest.length > 0) {
      const before = this.#torn.length
      if (before > 0) this.#torn.append(rest)
      const view = before > 0 ? this.#torn.view() : rest
      const end = this.#scan(view)
      if (end < 0) {
        if (before === 0) this.#torn.append(rest)
        return
      }
      rest = rest.subarray(end - before)
      this.#reset()
      if (view[0] !== NIL) yield view.subarray(0, end)
    }
  }

  #reset(): void {
    if (this.#torn.length > 0) this.#torn = new GrowingBytes(FIRST_BYTES)
    this.#next = 0
    this.#begun = false
  }

  /** Goes on reading headers; the end of the frame, or -1 when bytes are missing. */
  #scan(view: Buffer): number {
    while (this.#depth > 0 || !this.#begun) {
      const at = this.#next
      const byte = view[at]
      if (byte === undefined) return -1
      const lengthBytes = LENGTH_BYTES[byte] ?? 0
      if (at + lengthBytes >= view.length) return -1
      if (this.#begun) this.#settle()
      else this.#begin(view)
      this.#value(byte, at + 1 + lengthBytes, declared(view, at))
    }
    return this.#next <= view.length ? this.#next : -1
  }

  #begin(view: Buffer): void {
    const byte = view[0] ?? 0
    const elements = KIND[byte] === KINDS.ARRAY ? declared(view, 0) : 0
    if (byte !== NIL && (elements < 1 || elements > 6))
      throw new Refusal(
        'not-msgpack',
        'cannot read what is no forward frame; check that the peer speaks the forward protocol',
      )
    this.#begun = true
  }

  /** Takes one value off the innermost array or map that still has one to come. */
  #settle(): void {
    const top = this.#depth - 1
    this.#open[top] = (this.#open[top] ?? 0) - 1
    this.#owed--
  }

  #value(byte: number, start: number, size: number): void {
    const kind = KIND[byte]
    if (kind === KINDS.INVALID)
      throw new Refusal('not-msgpack', 'cannot read a msgpack value that starts with 0xc1; check what the peer is')
    const children = kind === KINDS.ARRAY ? size : kind === KINDS.MAP ? 2 * size : 0
    this.#next = kind === KINDS.ARRAY || kind === KINDS.MAP ? start : start + size
    this.#owed += children
    if (this.#next + this.#owed > this.maxBytes)
      throw new Refusal(
        'frame-size',
        `cannot take a frame of more than ${this.maxBytes} bytes; let the sender use smaller chunks`,
      )
    if (children > 0) {
      if (this.#depth === FRAME_DEPTH)
        throw new Refusal('frame-depth', `cannot take a frame nested deeper than ${FRAME_DEPTH}; flatten the records`)
      this.#open[this.#depth++] = children
    }
    while (this.#depth > 0 && this.#open[this.#depth - 1] === 0) this.#depth--
  }
}
