/** What a line takes in a log file beside its message, about. */
const LINE_BYTES = 80
const PERIOD_MS = 1_000
/** A log is fast when it fills a file in so many seconds, and slow again when it takes four times as long. */
const FAST_FILE_SECONDS = 4

/** Tells whether a log grows so fast that the engine may rotate it away under a reader that follows it. */
export class Pace {
  readonly #fileBytes: number
  #since = performance.now()
  #bytes = 0
  #last = 0

  /** `fileBytes`: the size at which the log is rotated. */
  constructor(fileBytes: number) {
    this.#fileBytes = fileBytes
  }

  /** So many lines with messages of so many bytes were read. */
  note(lines: number, bytes: number): void {
    this.#roll()
    this.#bytes += bytes + lines * LINE_BYTES
  }

  get isFast(): boolean {
    return this.#perSecond * FAST_FILE_SECONDS > this.#fileBytes
  }

  get isSlow(): boolean {
    return this.#perSecond * FAST_FILE_SECONDS * 4 < this.#fileBytes
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
