import { promisify } from 'node:util'
import { constants, gunzip, type ZlibOptions, type ZstdOptions, zstdDecompress } from 'node:zlib'
import { INFLATE_RATIO, INFLATED_BYTES, INFLATED_FREE, ZSTD_FRAMES } from './limits.ts'
import { Refusal } from './refusal.ts'

/** With option `info`, node:zlib calls back with this; its type declarations do not say so. */
interface Inflated {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

type Inflate = (bytes: Buffer, options: ZlibOptions & ZstdOptions & { readonly info: true }) => Promise<Inflated>

const gzip = promisify(gunzip) as unknown as Inflate
const zstd = promisify(zstdDecompress) as unknown as Inflate

// Without a bound, a frame of a few bytes may ask for a window of 128 MiB.
const ZSTD_PARAMS = { [constants.ZSTD_d_windowLogMax]: 25 }
const MIN_STEP_BYTES = 16 * 1024
const MAX_STEP_BYTES = 256 * 1024

/** The bytes that a compressed body may inflate to: 8 MiB, beyond that 200 times its size, at most 64 MiB. */
export function inflationLimit(compressedBytes: number): number {
  return Math.min(INFLATED_BYTES, Math.max(INFLATED_FREE, INFLATE_RATIO * compressedBytes))
}

/**
 * Inflates a body of any number of gzip members or zstd frames, off the main thread; undefined when it has more than
 * `maxBytes`. Throws a Refusal when it is truncated, damaged or followed by garbage.
 */
export async function inflate(kind: 'gzip' | 'zstd', body: Buffer, maxBytes: number): Promise<Buffer | undefined> {
  const decompress = kind === 'gzip' ? gzip : zstd
  const parts: Buffer[] = []
  let left = maxBytes
  // gunzip goes through all members itself; zstdDecompress stops after the first frame.
  for (let rest = body; parts.length === 0 || rest.length > 0; ) {
    if (parts.length === ZSTD_FRAMES) throw damaged(kind, 'too many frames in a row')
    const part = await decompressed(decompress, kind, rest, left)
    if (part === undefined) return undefined
    const consumed = part.engine.bytesWritten
    if (kind === 'gzip' && consumed < rest.length) throw damaged(kind, 'bytes behind the last member')
    if (consumed === 0) throw damaged(kind, 'no progress')
    parts.push(part.buffer)
    left -= part.buffer.length
    rest = rest.subarray(consumed)
  }
  return parts.length === 1 ? parts[0] : Buffer.concat(parts)
}

async function decompressed(run: Inflate, kind: string, bytes: Buffer, left: number): Promise<Inflated | undefined> {
  if (left <= 0) return undefined
  const chunkSize = Math.min(MAX_STEP_BYTES, Math.max(MIN_STEP_BYTES, 8 * bytes.length))
  try {
    return await run(bytes, { info: true, maxOutputLength: left, chunkSize, params: ZSTD_PARAMS })
  } catch (cause) {
    if (cause instanceof RangeError && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw damaged(kind, cause instanceof Error ? cause.message : String(cause), cause)
  }
}

function damaged(kind: string, what: string, cause?: unknown): Refusal {
  return new Refusal('inflation', `cannot inflate a ${kind} body: ${what}; check the sender and the link`, { cause })
}
