import { constants, createGzip, createZstdCompress } from 'node:zlib'
import compress from '@fastify/compress'
import type { FastifyInstance } from 'fastify'

/** What is streamed for ever is not compressed: events would wait for each other. */
const COMPRESSIBLE =
  /^(?:text\/(?!event-stream)|application\/(?:json|x-ndjson|javascript|vnd\.docker\.multiplexed-stream))/

/** Level of both: fast, and five times smaller for lines. */
const GZIP_LEVEL = 4

/** Lets clients have answers as zstd or gzip. Each part of a streamed answer goes out as soon as it is there. */
export async function compressAnswers(app: FastifyInstance): Promise<void> {
  await app.register(compress, {
    encodings: ['zstd', 'gzip'],
    globalDecompression: false,
    customTypes: COMPRESSIBLE,
    // The event loop has better things to do.
    syncThreshold: 0,
    zlib: {
      createGzip: () => createGzip({ level: GZIP_LEVEL, flush: constants.Z_SYNC_FLUSH }),
      createZstdCompress: () => createZstdCompress({ params: ZSTD, flush: constants.ZSTD_e_flush } as object),
    },
  })
}

const ZSTD = { [constants.ZSTD_c_compressionLevel]: 1 }
