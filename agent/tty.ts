import type { Framer, PieceSink } from './frames.ts'
import { PART_BYTES } from './lines.ts'
import { LONGEST_STAMP, STAMP_LENGTH, StampReader } from './stamp.ts'

const NEWLINE = 10
const STAMP_END = Buffer.from('Z ')
/** A part without an end that is longer than this is handed on in pieces. */
const MAX_HELD = 512 * 1024

/**
 * Finds the frames of a TTY container's log, which Docker sends as bare bytes: a timestamp before each line and
 * before each 16 KiB part of one. What ended without newline is glued to the timestamp of what came after a restart.
 */
export class TtyFrames implements Framer {
  readonly #sink: PieceSink
  readonly #stamp = new StampReader()
  #held: Buffer | undefined
  /** Amid a frame whose beginning has been handed on. */
  #within = false

  constructor(sink: PieceSink) {
    this.#sink = sink
  }

  push(chunk: Buffer): void {
    const data = this.#held ? Buffer.concat([this.#held, chunk]) : chunk
    this.#held = undefined
    let at = 0
    while (at < data.length) {
      const end = this.#within ? lineEnd(data, at) : this.#frameEnd(data, at)
      if (end === undefined) break
      this.#sink(1, data, at, end, !this.#within, true)
      this.#within = false
      at = end
    }
    if (at < data.length) this.#hold(data, at)
  }

  /** Hands on a last line without newline; right only when the response ended well. */
  end(): void {
    const rest = this.#held
    if (rest) this.#sink(1, rest, 0, rest.length, !this.#within, true)
    else if (this.#within) this.#sink(1, Buffer.alloc(0), 0, 0, false, true)
    this.#held = undefined
    this.#within = false
  }

  #hold(data: Buffer, at: number): void {
    if (this.#within || data.length - at > MAX_HELD) {
      this.#sink(1, data, at, data.length, !this.#within, false)
      this.#within = true
    } else {
      this.#held = Buffer.from(data.subarray(at))
    }
  }

  /** Where the frame that begins at `at` ends; undefined when its end is not here yet. */
  #frameEnd(data: Buffer, at: number): number | undefined {
    const line = lineEnd(data, at)
    if (line === undefined && data.length - at < LONGEST_STAMP) return undefined
    const limit = line ?? data.length
    const prefix = this.#stamp.read(data, at, limit)
    if (prefix === 0) return line
    const body = at + prefix
    const glued = this.#gluedStamp(data, body, limit)
    if (limit - body < PART_BYTES) return glued ?? line
    // The next part repeats the timestamp: to the nanosecond, so content cannot be mistaken for it.
    const part = data.subarray(0, limit).indexOf(data.subarray(at, body), body + PART_BYTES)
    if (part === -1) return glued ?? line
    return glued === undefined ? part : Math.min(part, glued)
  }

  /** A later timestamp amid the line: output of the container's next run, behind a last line without newline. */
  #gluedStamp(data: Buffer, body: number, limit: number): number | undefined {
    const { seconds, nanos } = this.#stamp
    const within = data.subarray(0, limit)
    let end = within.indexOf(STAMP_END, body + STAMP_LENGTH - STAMP_END.length)
    for (; end !== -1; end = within.indexOf(STAMP_END, end + 1)) {
      const start = end + STAMP_END.length - STAMP_LENGTH
      if (this.#stamp.read(data, start, limit) !== STAMP_LENGTH) continue
      if (this.#stamp.seconds > seconds || (this.#stamp.seconds === seconds && this.#stamp.nanos > nanos)) return start
    }
    return undefined
  }
}

/** Behind the newline that ends the line at `at`. */
function lineEnd(data: Buffer, at: number): number | undefined {
  const newline = data.indexOf(NEWLINE, at)
  return newline === -1 ? undefined : newline + 1
}
