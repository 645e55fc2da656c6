import { SwarmlogsError } from '../shared/errors.ts'

/** What a frame of Docker's multiplexed stream carries: stdin (0, never seen in logs), stdout, stderr, or an error of the engine. */
export type FrameType = 0 | 1 | 2 | 3

/**
 * Takes a piece of a frame: bytes `start` to `end` of `buffer`, which the sink must copy if it keeps them.
 * A frame is one piece, unless it is huge; its first piece then holds at least 64 KiB.
 */
export type PieceSink = (
  type: FrameType,
  buffer: Buffer,
  start: number,
  end: number,
  first: boolean,
  last: boolean,
) => void

/** Turns chunks of a response into pieces of frames. */
export interface Framer {
  push(chunk: Buffer): void
}

const HEADER = 8
/** Frames up to this many bytes are handed on in one piece: Docker's own are at most 16 KiB and a timestamp (more when bytes became U+FFFD). */
const WHOLE = 64 * 1024

/**
 * Demultiplexes Docker's `application/vnd.docker.multiplexed-stream`: 8-byte headers (type, three zeros, length) and payloads.
 * Linear in the bytes however they are torn, and holds at most 64 KiB. Throws SWARMLOGS_PROTOCOL at a header that cannot be.
 */
export class Frames implements Framer {
  readonly #sink: PieceSink
  readonly #header = Buffer.alloc(HEADER)
  #headerLength = 0
  #type: FrameType = 0
  /** Bytes of the current frame that have not been handed on. */
  #left = 0
  /** A frame (or the first 64 KiB of a huge one) that came torn. */
  #held: Buffer | undefined
  #heldLength = 0

  constructor(sink: PieceSink) {
    this.#sink = sink
  }

  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#held) at = this.#fill(this.#held, chunk, at)
      else if (this.#left > 0) at = this.#passOn(chunk, at)
      else at = this.#next(chunk, at)
    }
  }

  /** Starts a frame at `at`; hands it on at once when all of it is here. */
  #next(chunk: Buffer, at: number): number {
    let header = chunk
    let from = at
    let body = at + HEADER
    if (this.#headerLength > 0 || chunk.length < body) {
      const copied = chunk.copy(this.#header, this.#headerLength, at, at + HEADER - this.#headerLength)
      this.#headerLength += copied
      body = at + copied
      if (this.#headerLength < HEADER) return body
      this.#headerLength = 0
      header = this.#header
      from = 0
    }
    const length = this.#readHeader(header, from)
    const end = body + length
    if (length <= WHOLE && end <= chunk.length) {
      this.#sink(this.#type, chunk, body, end, true, true)
      return end
    }
    this.#left = length
    this.#held = Buffer.allocUnsafe(Math.min(length, WHOLE))
    this.#heldLength = 0
    return body
  }

  #readHeader(buffer: Buffer, at: number): number {
    const type = buffer[at] as number
    if (type > 3 || buffer[at + 1] !== 0 || buffer[at + 2] !== 0 || buffer[at + 3] !== 0) {
      const header = buffer.toString('hex', at, at + HEADER)
      throw new SwarmlogsError('SWARMLOGS_PROTOCOL', `cannot read the log stream: impossible frame header ${header}`)
    }
    this.#type = type as FrameType
    return buffer.readUInt32BE(at + 4)
  }

  #fill(held: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(held, this.#heldLength, at, at + held.length - this.#heldLength)
    this.#heldLength += copied
    if (this.#heldLength === held.length) {
      this.#left -= held.length
      this.#held = undefined
      this.#sink(this.#type, held, 0, held.length, true, this.#left === 0)
    }
    return at + copied
  }

  #passOn(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left)
    this.#left -= end - at
    this.#sink(this.#type, chunk, at, end, false, this.#left === 0)
    return end
  }
}
