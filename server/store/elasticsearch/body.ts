/** A request's body as it grows: bytes from the start, as megabytes of joined strings would have to be copied twice. */
export class Body {
  #bytes: Buffer
  #length = 0
  /** Texts that are to be written next: to write many short ones takes far longer than one. */
  #pending = ''

  /** @param size how many bytes it will have, roughly. */
  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafeSlow(size)
  }

  get bytes(): Buffer {
    this.#flush()
    return this.#bytes.subarray(0, this.#length)
  }

  /** Begins anew in the same memory. */
  clear(): void {
    this.#length = 0
    this.#pending = ''
  }

  text(text: string): void {
    this.#pending += text
  }

  raw(bytes: Uint8Array): void {
    this.#flush()
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #flush(): void {
    const text = this.#pending
    this.#pending = ''
    // No code unit takes more than three bytes.
    this.#reserve(3 * text.length)
    this.#length += this.#bytes.write(text, this.#length)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.ceil((this.#length + more) * 1.25))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}
