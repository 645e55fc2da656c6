import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, zstdCompress } from 'node:zlib'
import { packOption } from '../shared/forward/encode.ts'
import { mapAhead } from './batcher/ahead.ts'
import { fill } from './batcher/fill.ts'
import { OpenBatch } from './batcher/open-batch.ts'
import type { SealedChunk } from './chunk.ts'
import type { TailBatch } from './line.ts'

export interface BatcherOptions {
  /** Whether a chunk would leave at once; as long as it would not, batches grow (for a second at most). */
  readonly isHungry: () => boolean
  /** Size of the uncompressed entries at which a chunk is sealed, in bytes. */
  readonly targetBytes?: number
}

/** Chunks of about this size are sealed under load. */
const TARGET_BYTES = 1 << 20
/** Chunks that are compressed while the next one fills. */
const COMPRESS_AHEAD = 2

const compress = promisify(zstdCompress)
const ZSTD_PARAMS = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 }
/** Lines mostly shrink to less than a quarter: then the output takes one pass through the thread pool, and no needlessly large buffer. */
const USUAL_RATIO = 4
const MIN_OUTPUT_BYTES = 4096

/** Packs, seals and compresses what tails yield. Checkpoints travel in the chunk that holds the last line that they stand for. */
export function batcher(source: AsyncIterable<TailBatch>, options: BatcherOptions): AsyncGenerator<SealedChunk> {
  const { isHungry, targetBytes = TARGET_BYTES } = options
  const idle: OpenBatch[] = []
  const take = () => idle.pop() ?? new OpenBatch(targetBytes)
  return mapAhead(fill(source, { take, isHungry }), COMPRESS_AHEAD, async (batch) => {
    const chunk = await seal(batch)
    batch.reset()
    idle.push(batch)
    return chunk
  })
}

async function seal(batch: OpenBatch): Promise<SealedChunk> {
  const { records, checkpoints, option } = batch
  const entries = batch.entries()
  const chunkSize = Math.max(MIN_OUTPUT_BYTES, Math.ceil(entries.length / USUAL_RATIO))
  return {
    id: randomBytes(16).toString('hex'),
    records,
    gaps: option.gaps?.length ?? 0,
    checkpoints,
    containers: [...new Set(option.streams.map((stream) => stream.containerId))],
    option: packOption(option),
    body: await compress(entries, { chunkSize, params: ZSTD_PARAMS }),
  }
}
