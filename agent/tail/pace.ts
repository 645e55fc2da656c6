import { type Line, PART_BYTES } from '../lines.ts'

/** What a line takes in a log file beside its message, about. */
const LINE_BYTES = 80
const PERIOD_MS = 1_000
/** A log is fast when it fills a file in so many seconds, and until it takes so many. */
const FAST_FILE_SECONDS = 4
const SLOW_FILE_SECONDS = 16

/** Tells whether a log grows so fast that the engine may rotate it away under a reader that follows it. */
export class Pace {
  readonly #fileBytes: number
  #since = performance.now()
  #bytes = 0
  #last = 0
  #wasFast = false

  /** `fileBytes`: the size at which the log is rotated. */
  constructor(fileBytes: number) {
    this.#fileBytes = fileBytes
  }

  /** So many lines with messages of so many bytes were read. */
  note(lines: number, bytes: number): void {
    this.#roll()
    this.#bytes += bytes + lines * LINE_BYTES
  }

  /** Whether it does now; a log that did must be slower for a while not to. */
  isFast(): boolean {
    const seconds = this.#wasFast ? SLOW_FILE_SECONDS : FAST_FILE_SECONDS
    this.#wasFast = this.#perSecond * seconds > this.#fileBytes
    return this.#wasFast
  }

  get #perSecond(): number {
    this.#roll()
    return Math.max(this.#last, this.#bytes)
  }

  #roll(): void {
    const elapsed = performance.now() - this.#since
    if (elapsed < PERIOD_MS) return
    this.#last = (this.#bytes / elapsed) * PERIOD_MS
    this.#bytes = 0
    this.#since = performance.now()
  }
}

/** The most bytes that lines take in the files of a driver that adds nothing to them: JSON writes some bytes as six. */
export function mostFileBytesOf(lines: readonly Line[]): number {
  let bytes = 0
  for (const { message, cutFrom } of lines) {
    const length = Math.max(message.length, cutFrom)
    let escaped = length - message.length
    for (const byte of message) if (!isPlain(byte)) escaped += 1
    bytes += LINE_BYTES * Math.ceil((length + 1) / PART_BYTES) + length + 5 * escaped
  }
  return bytes
}

/** Printable ASCII that Go's JSON leaves as it is: not `"`, `&`, `<`, `>` or a backslash. */
function isPlain(byte: number): boolean {
  return (
    byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x26 && byte !== 0x3c && byte !== 0x3e && byte !== 0x5c
  )
}
