import { createReadStream } from 'node:fs'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { SwarmlogsError } from '../../shared/errors.ts'

const NEWLINE = 0x0a
/** A line that is longer is no line of a log. */
const MAX_LINE_BYTES = 16 * 1024 * 1024

/** The lines of a file, `-` for stdin, unpacked where it is packed by gzip or zstd; the last one also without a newline. */
export async function* linesOfFile(path: string): AsyncGenerator<string> {
  try {
    yield* split(unpacked(path === '-' ? process.stdin : createReadStream(path)))
  } catch (cause) {
    if (cause instanceof SwarmlogsError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot read '${path}': ${reason}`, { cause })
  }
}

async function* unpacked(source: NodeJS.ReadableStream): AsyncGenerator<Buffer> {
  const pieces = (source as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  // The first bytes say how it is packed; they may come one by one.
  let head = Buffer.alloc(0)
  while (head.length < 4) {
    const { value, done } = await pieces.next()
    if (done) break
    head = Buffer.concat([head, value])
  }
  const unpack = unpackerOf(head)
  const rest = joined(head, pieces)
  if (unpack === undefined) yield* rest
  else yield* through(rest, unpack)
}

function unpackerOf(head: Buffer) {
  if (head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b) return createGunzip()
  if (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528) return createZstdDecompress()
  return undefined
}

async function* joined(head: Buffer, pieces: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value
}

async function* through(pieces: AsyncIterable<Buffer>, stream: NodeJS.ReadWriteStream): AsyncGenerator<Buffer> {
  const { pipeline } = await import('node:stream/promises')
  const done = pipeline(pieces, stream)
  // What fails is thrown by the reading, too.
  done.catch(() => {})
  yield* stream as unknown as AsyncIterable<Buffer>
  await done
}

async function* split(pieces: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let held: Buffer[] = []
  let bytes = 0
  for await (const piece of pieces) {
    let at = 0
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, at)) {
      yield Buffer.concat([...held, piece.subarray(at, end)]).toString()
      held = []
      bytes = 0
      at = end + 1
    }
    if (at < piece.length) held.push(piece.subarray(at))
    bytes += piece.length - at
    if (bytes > MAX_LINE_BYTES) {
      throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot import this: it has a line of over 16 MiB, so it is no log')
    }
  }
  if (bytes > 0) yield Buffer.concat(held).toString()
}
