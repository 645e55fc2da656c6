/** Where in the coding a decoder is: what the next byte must be. */
type Expects =
  | 'size'
  | 'extension'
  | 'size-lf'
  | 'data'
  | 'data-cr'
  | 'data-lf'
  | 'trailer'
  | 'in-trailer'
  | 'last-lf'
  | 'nothing'

const CR = 13
const LF = 10
const SEMICOLON = 59
const SPACE = 32
/** Larger chunks than this nobody sends. */
const MAX_SIZE = 2 ** 40

/**
 * Takes HTTP's chunked coding off (RFC 9112, section 7.1), wherever the bytes are torn. Docker writes each frame of a log as a chunk of
 * its own, so this runs once a line: node:http makes an event and a buffer of each.
 */
export class Chunked {
  #expects: Expects = 'size'
  /** Size of the chunk as far as it is read; then how much of its data is still to come. */
  #size = 0
  #hasDigits = false

  /** The last chunk was read: nothing more belongs to the answer. */
  get isDone(): boolean {
    return this.#expects === 'nothing'
  }

  /** Moves the data in `bytes` to its beginning, and returns how much that is. Throws when it is no such coding. */
  decode(bytes: Buffer): number {
    let to = 0
    let at = 0
    while (at < bytes.length && !this.isDone) {
      if (this.#expects === 'data') {
        const end = Math.min(bytes.length, at + this.#size)
        bytes.copyWithin(to, at, end)
        to += end - at
        this.#size -= end - at
        at = end
        if (this.#size === 0) this.#expects = 'data-cr'
      } else {
        this.#take(bytes[at++] as number)
      }
    }
    return to
  }

  #take(byte: number): void {
    switch (this.#expects) {
      case 'size':
        this.#takeSize(byte)
        break
      case 'extension':
        if (byte === CR) this.#expects = 'size-lf'
        break
      case 'size-lf':
        this.#expect(byte, LF, this.#size > 0 ? 'data' : 'trailer')
        break
      case 'data-cr':
        this.#expect(byte, CR, 'data-lf')
        break
      case 'data-lf':
        this.#expect(byte, LF, 'size')
        this.#hasDigits = false
        break
      case 'trailer':
        this.#expects = byte === CR ? 'last-lf' : 'in-trailer'
        break
      case 'in-trailer':
        if (byte === LF) this.#expects = 'trailer'
        break
      default:
        this.#expect(byte, LF, 'nothing')
    }
  }

  #takeSize(byte: number): void {
    const digit = hexDigit(byte)
    if (digit >= 0) {
      this.#size = this.#size * 16 + digit
      this.#hasDigits = true
      if (this.#size > MAX_SIZE) throw new Error('its chunked coding has an impossible size')
    } else if (this.#hasDigits && (byte === SEMICOLON || byte === SPACE)) {
      this.#expects = 'extension'
    } else if (this.#hasDigits && byte === CR) {
      this.#expects = 'size-lf'
    } else {
      throw unexpected(byte)
    }
  }

  #expect(byte: number, wanted: number, next: Expects): void {
    if (byte !== wanted) throw unexpected(byte)
    this.#expects = next
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const letter = byte | 0x20
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}

function unexpected(byte: number): Error {
  return new Error(`its chunked coding is broken by a byte 0x${byte.toString(16).padStart(2, '0')}`)
}
