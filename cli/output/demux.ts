import { SwarmlogsError } from '../../shared/errors.ts'

const HEADER_LENGTH = 8
const MAX_ERROR_LENGTH = 64 * 1024
const MAX_TRAILER_LENGTH = 16 * 1024 * 1024
const ERROR = 3
const TRAILER = 4

/** A run of payload of one kind: 1 stdout, 2 stderr; 3 is an error, 4 what the server says of its answer. */
export interface Run {
  readonly type: number
  readonly bytes: Buffer
}

/** Takes Docker's multiplexed stream apart: frames of an 8-byte header (type, three zeros, length as u32) and payload. */
export class Demux {
  readonly #header = Buffer.alloc(HEADER_LENGTH)
  #headerLength = 0
  #type = 0
  #missing = 0
  #error = ''
  #trailer: Buffer[] = []
  #trailerLength = 0

  /** Takes bytes, cut anywhere, and gives their payload, neighbours of one type as one run. The bytes are overwritten. */
  push(bytes: Buffer): Run[] {
    const runs: Run[] = []
    // Payload is moved down over the headers, so that a run is one piece of memory and one write.
    let from = 0
    let to = 0
    let runStart = 0
    let runType = this.#type
    const endRun = () => {
      if (to > runStart) this.#take(runs, { type: runType, bytes: bytes.subarray(runStart, to) })
      runStart = to
    }
    while (from < bytes.length) {
      if (this.#missing === 0) {
        from = this.#readHeader(bytes, from)
        continue
      }
      if (this.#type !== runType) {
        endRun()
        runType = this.#type
      }
      const length = Math.min(this.#missing, bytes.length - from)
      bytes.copyWithin(to, from, from + length)
      from += length
      to += length
      this.#missing -= length
    }
    endRun()
    return runs
  }

  /** The server's last word as JSON; '' when there was none. */
  get trailer(): string {
    return Buffer.concat(this.#trailer).toString()
  }

  /** Throws when the stream ended with an error of the server, or in the middle of a frame. */
  end(): void {
    if (this.#error !== '') throw new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', this.#error.trim())
    if (this.#missing === 0 && this.#headerLength === 0) return
    throw new SwarmlogsError('SWARMLOGS_PROTOCOL', 'cannot show all lines: the answer ended too early; ask again')
  }

  #readHeader(bytes: Buffer, from: number): number {
    const end = Math.min(bytes.length, from + HEADER_LENGTH - this.#headerLength)
    this.#headerLength += bytes.copy(this.#header, this.#headerLength, from, end)
    if (this.#headerLength < HEADER_LENGTH) return end
    this.#headerLength = 0
    this.#type = this.#header.readUInt8(0)
    this.#missing = this.#header.readUInt32BE(4)
    if (this.#type >= 1 && this.#type <= TRAILER) return end
    throw new SwarmlogsError(
      'SWARMLOGS_PROTOCOL',
      `cannot read the answer: it has a frame of the unknown type ${this.#type}`,
    )
  }

  #take(runs: Run[], run: Run): void {
    if (run.type === TRAILER) this.#keep(run.bytes)
    else if (run.type !== ERROR) runs.push(run)
    else if (this.#error.length < MAX_ERROR_LENGTH) this.#error += run.bytes.toString()
  }

  #keep(bytes: Buffer): void {
    this.#trailerLength += bytes.length
    // The bytes are overwritten by what comes next.
    if (this.#trailerLength <= MAX_TRAILER_LENGTH) this.#trailer.push(Buffer.from(bytes))
  }
}
