/** Length of `2026-11-21T02:38:11`. */
const SECOND = 19
/** Length of the form that Docker writes, with its space: `2026-11-21T02:38:11.386458421Z `. */
export const STAMP_LENGTH = 31
/** Longest form: nine digits of fraction and `+hh:mm `. */
export const LONGEST_STAMP = 36
const ZERO = 48
const SPACE = 32
const DOT = 46
const Z = 90
const PATTERN = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d)) /

/**
 * Reads the RFC3339 timestamp (any fraction, any zone) that Docker puts before each message.
 * Keeps the last second that it saw parsed, because consecutive lines share it.
 */
export class StampReader {
  readonly #text = Buffer.alloc(SECOND)
  #textSeconds = Number.NaN
  seconds = 0
  nanos = 0

  /** Reads the stamp at `start` into `seconds` and `nanos`; returns its length with the space, or 0 when there is none. */
  read(buffer: Buffer, start: number, end: number): number {
    return this.#readFixed(buffer, start, end) || this.#readAny(buffer, start, end)
  }

  /** The fast path: the known second, nine digits, Z. */
  #readFixed(buffer: Buffer, start: number, end: number): number {
    if (end - start < STAMP_LENGTH || Number.isNaN(this.#textSeconds)) return 0
    if (buffer[start + 19] !== DOT || buffer[start + 29] !== Z || buffer[start + 30] !== SPACE) return 0
    // The last digits differ most often.
    for (let i = SECOND - 1; i >= 0; i--) if (buffer[start + i] !== this.#text[i]) return 0
    let nanos = 0
    for (let i = start + 20; i < start + 29; i++) {
      const digit = (buffer[i] as number) - ZERO
      if (digit < 0 || digit > 9) return 0
      nanos = nanos * 10 + digit
    }
    this.seconds = this.#textSeconds
    this.nanos = nanos
    return STAMP_LENGTH
  }

  #readAny(buffer: Buffer, start: number, end: number): number {
    const text = buffer.toString('latin1', start, Math.min(end, start + LONGEST_STAMP))
    const match = PATTERN.exec(text)
    if (!match) return 0
    const seconds = Date.parse(`${text.slice(0, SECOND)}Z`) / 1000
    if (Number.isNaN(seconds)) return 0
    this.#keep(buffer, start, match[2] === undefined ? seconds : Number.NaN)
    this.seconds = seconds - zoneSeconds(match[2], match[3], match[4])
    this.nanos = Number((match[1] ?? '').padEnd(9, '0'))
    return match[0].length
  }

  #keep(buffer: Buffer, start: number, seconds: number): void {
    this.#textSeconds = seconds
    buffer.copy(this.#text, 0, start, start + SECOND)
  }
}

function zoneSeconds(sign: string | undefined, hours = '0', minutes = '0'): number {
  if (sign === undefined) return 0
  const seconds = Number(hours) * 3600 + Number(minutes) * 60
  return sign === '-' ? -seconds : seconds
}
