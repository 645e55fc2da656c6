/** Bytes that come in pieces, in memory of their own of at most twice their length, however small the pieces are. */
export class GrowingBytes {
  #store: Buffer = Buffer.alloc(0)
  #length = 0
  readonly #firstBytes: number

  /** @param firstBytes what is allocated at least. */
  constructor(firstBytes: number) {
    this.#firstBytes = firstBytes
  }

  get length(): number {
    return this.#length
  }

  append(bytes: Buffer): void {
    const length = this.#length + bytes.length
    if (length > this.#store.length) {
      // Not from Buffer's pool: a few bytes would keep a whole slab of it.
      const grown = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#store.length, this.#firstBytes))
      this.#store.copy(grown, 0, 0, this.#length)
      this.#store = grown
    }
    bytes.copy(this.#store, this.#length)
    this.#length = length
  }

  /** All bytes so far, in place. */
  view(): Buffer {
    return this.#store.subarray(0, this.#length)
  }
}
