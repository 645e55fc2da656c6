/** A request's body as it grows: bytes from the start, as megabytes of joined strings would have to be copied twice. */
export class Body {
  #bytes: Buffer
  #length = 0

  /** @param size how many bytes it will have, roughly. */
  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafeSlow(size)
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Begins anew in the same memory. */
  clear(): void {
    this.#length = 0
  }

  text(text: string): void {
    // No code unit takes more than three bytes.
    this.#reserve(3 * text.length)
    this.#length += this.#bytes.write(text, this.#length)
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.ceil((this.#length + more) * 1.25))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}
