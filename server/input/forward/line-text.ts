import { LINE_BYTES } from './limits.ts'

/** A line as a record holds it. */
export interface LineText {
  readonly message: string
  /** Its whole length in bytes when it was cut, else 0. */
  readonly cutFrom: number
}

/** Decodes a line's bytes, cut to 1 MiB at a character's start; what is not UTF-8 becomes U+FFFD. */
export function lineText(bytes: Buffer, wholeBytes = bytes.length): LineText {
  if (bytes.length <= LINE_BYTES) return { message: bytes.toString(), cutFrom: 0 }
  let end = LINE_BYTES
  for (let back = 0; back < 3 && isContinuation(bytes[end]); back++) end--
  return { message: bytes.toString('utf8', 0, end), cutFrom: wholeBytes }
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}
