import { constants, createGzip, createZstdCompress, gzipSync, zstdCompressSync } from 'node:zlib'
import compress from '@fastify/compress'
import type { FastifyInstance } from 'fastify'

/** What is streamed for ever is not compressed: events would wait for each other. */
const COMPRESSIBLE =
  /^(?:text\/(?!event-stream)|application\/(?:json|x-ndjson|javascript|vnd\.docker\.multiplexed-stream))/

/** Level of both: fast, and five times smaller for lines. */
const GZIP_LEVEL = 4

/** An answer of so many bytes takes about a millisecond, less than to hand it to other threads; with a larger one the event loop has better things to do. */
const MAX_AT_ONCE = 128 * 1024

/** Lets clients have answers as zstd or gzip. Each part of a streamed answer goes out as soon as it is there. */
export async function compressAnswers(app: FastifyInstance): Promise<void> {
  await app.register(compress, {
    encodings: ['zstd', 'gzip'],
    globalDecompression: false,
    customTypes: COMPRESSIBLE,
    syncThreshold: MAX_AT_ONCE,
    zlib: {
      gzipSync: (bytes: Buffer) => gzipSync(bytes, { level: GZIP_LEVEL }),
      zstdCompressSync: (bytes: Buffer) => zstdCompressSync(bytes, { params: ZSTD }),
      createGzip: () => createGzip({ level: GZIP_LEVEL, flush: constants.Z_SYNC_FLUSH }),
      createZstdCompress: () => createZstdCompress({ params: ZSTD, flush: constants.ZSTD_e_flush } as object),
    },
  })
}

const ZSTD = { [constants.ZSTD_c_compressionLevel]: 1 }
