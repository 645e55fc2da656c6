import { SwarmlogsError } from '../shared/errors.ts'
import type { Framer, PieceSink } from './frames.ts'

const NEWLINE = 10
/** A part of 16 KiB of which each byte is escaped has less than 100 KiB; what is longer by far is no log of Docker's. */
const MAX_RECORD = 4 * 1024 * 1024

/** A record of `format=json`; what it has besides is not needed. */
interface JsonRecord {
  readonly Line?: unknown
  readonly Source?: unknown
  readonly Timestamp?: unknown
  readonly Error?: unknown
}

/**
 * Takes the log as newer engines (API 1.54, still experimental there) give it with `format=json`: a JSON object for each message of the log
 * driver, newline-delimited. Hands it on as the frames that the multiplexed stream would have. Throws SWARMLOGS_PROTOCOL for what is no such
 * object.
 */
export class JsonFrames implements Framer {
  readonly #sink: PieceSink
  #held: Buffer[] = []
  #heldBytes = 0

  constructor(sink: PieceSink) {
    this.#sink = sink
  }

  push(chunk: Buffer): void {
    let at = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, at)) {
      this.#record(this.#whole(chunk.subarray(at, end)))
      at = end + 1
    }
    if (at === chunk.length) return
    this.#held.push(Buffer.from(chunk.subarray(at)))
    this.#heldBytes += chunk.length - at
    if (this.#heldBytes > MAX_RECORD) throw noRecord(`more than ${MAX_RECORD} bytes`)
  }

  #whole(rest: Buffer): Buffer {
    if (this.#held.length === 0) return rest
    const whole = Buffer.concat([...this.#held, rest])
    this.#held = []
    this.#heldBytes = 0
    return whole
  }

  #record(bytes: Buffer): void {
    const { Line = '', Source, Timestamp, Error: error } = parse(bytes)
    if (typeof error === 'string' && error !== '') this.#pass(3, error)
    else if (Source === 'stdout' || Source === 'stderr') this.#pass(Source === 'stdout' ? 1 : 2, `${Timestamp} ${Line}`)
    else throw noRecord(`the source ${JSON.stringify(Source)}`)
  }

  #pass(type: 1 | 2 | 3, text: string): void {
    const bytes = Buffer.from(text)
    this.#sink(type, bytes, 0, bytes.length, true, true)
  }
}

function parse(bytes: Buffer): JsonRecord {
  try {
    const record: unknown = JSON.parse(bytes.toString())
    if (typeof record === 'object' && record !== null) return record
  } catch {
    // It is told below what came.
  }
  throw noRecord(JSON.stringify(bytes.toString('utf8', 0, 80)))
}

function noRecord(what: string): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_PROTOCOL', `cannot read the log stream: no record of format=json: ${what}`)
}
