import { Readable } from 'node:stream'
import split2 from 'split2'
import { SwarmlogsError } from '../../../shared/errors.ts'
import { inflate } from '../forward/inflate.ts'
import { BODY_BYTES, COMPRESSED_BYTES, LINE_BYTES } from './limits.ts'

const NEWLINE = 0x0a
const CHUNK_BYTES = 64 * 1024

/** How a body is compressed; absent: not at all. */
export type Compression = 'gzip' | 'zstd' | undefined

/** A body is larger than what is taken at once. */
export class TooLarge extends SwarmlogsError {
  constructor(what: string) {
    super('SWARMLOGS_LIMIT', `cannot take ${what}: send it in parts`)
  }
}

/** The lines of a body, the last one also without a newline. Throws TooLarge, and a Refusal when it cannot be inflated. */
export async function* linesOf(body: AsyncIterable<Buffer>, compression: Compression): AsyncGenerator<string> {
  const plain = compression === undefined ? body : inflated(body, compression)
  const source = Readable.from(withoutRests(bounded(plain, BODY_BYTES)), { objectMode: false })
  const lines = split2()
  source.once('error', (error) => lines.destroy(error))
  try {
    for await (const line of source.pipe(lines)) yield line
  } finally {
    source.destroy()
  }
}

/** Whether a line is but the beginning of one that is too long. */
export function isRest(line: string): boolean {
  return line.length >= LINE_BYTES / 4 && Buffer.byteLength(line) >= LINE_BYTES
}

async function* inflated(body: AsyncIterable<Buffer>, compression: 'gzip' | 'zstd'): AsyncGenerator<Buffer> {
  const parts: Buffer[] = []
  for await (const part of bounded(body, COMPRESSED_BYTES)) parts.push(part)
  const whole = Buffer.concat(parts)
  if (whole.length === 0) return
  const plain = await inflate(compression, whole, BODY_BYTES)
  if (plain === undefined) throw new TooLarge(`a body that inflates to more than ${BODY_BYTES} bytes`)
  for (let at = 0; at < plain.length; at += CHUNK_BYTES) yield plain.subarray(at, at + CHUNK_BYTES)
}

async function* bounded(body: AsyncIterable<Buffer>, max: number): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const part of body) {
    bytes += part.length
    if (bytes > max) throw new TooLarge(`a body of more than ${max} bytes`)
    yield part
  }
}

/** Leaves out what a line has behind its first LINE_BYTES, so that it keeps its number. */
async function* withoutRests(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let length = 0
  for await (const part of body) {
    for (let at = 0; at < part.length; ) {
      const newline = part.indexOf(NEWLINE, at)
      const end = newline < 0 ? part.length : newline
      const kept = Math.min(end, at + LINE_BYTES - length)
      if (kept > at) yield part.subarray(at, kept)
      length += kept - at
      if (newline >= 0) {
        yield part.subarray(newline, newline + 1)
        length = 0
      }
      at = end + 1
    }
  }
}
