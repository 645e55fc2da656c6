import { join } from 'node:path'
import type { LogStream } from '../../shared/record.ts'
import { openShelf } from '../archive/open-shelf.ts'
import { shelfOptions } from '../archive/shelf-copy.ts'
import type { ArchiveConfig } from '../config/archive.ts'
import type { ElasticsearchConfig } from '../config/elasticsearch.ts'
import { Retention } from '../retention.ts'
import type { ElasticOptions } from './elasticsearch/options.ts'
import type { FrozenOptions } from './embedded/frozen.ts'
import type { LinesFile } from './embedded/parquet/check.ts'
import type { ParquetWriter } from './embedded/parquet/writer.ts'
import type { EmbeddedOptions } from './embedded/parts.ts'
import type { Store } from './store.ts'

export type { FrozenOptions } from './embedded/frozen.ts'
export type { LinesFile } from './embedded/parquet/check.ts'
export type { ArchivedLine } from './embedded/parquet/schema.ts'
export type { ParquetWriter } from './embedded/parquet/writer.ts'

/** The version of the layout of Parquet files, see embedded/parquet/schema.ts. */
export const PARQUET_FORMAT = 1

/** Which store to open: Elasticsearch when it is given, else the embedded one in its folder. */
export type StoreOptions = Omit<EmbeddedOptions, 'archive'> & {
  readonly archive?: ArchiveConfig
  readonly elasticsearch?: ElasticsearchConfig
  /** Only reads a store in Elasticsearch, beside the server that has its archive. */
  readonly isGuest?: boolean
}

/** Opens the store that the server was configured for. Only that one is loaded: each brings a large library. */
export async function openStore({
  elasticsearch,
  isGuest = false,
  archive: { s3, ...archive } = {},
  ...rest
}: StoreOptions): Promise<Store> {
  const shelf = s3 && (await openShelf(s3))
  const options = { ...rest, archive: { ...archive, shelf } }
  try {
    if (elasticsearch !== undefined) {
      const { retentionMs, retention, maxBytes, log } = options
      const limits = { retentionMs, retention, ...(maxBytes !== undefined && { maxBytes }) }
      return await openElastic({ ...elasticsearch, ...limits, isGuest, log }, options)
    }
    const { EmbeddedStore } = await import('./embedded/store.ts')
    return await EmbeddedStore.open(options)
  } catch (error) {
    shelf?.close()
    throw error
  }
}

/**
 * Opens the store in Elasticsearch, with its archive where a folder is given for one: it is this server's alone, and days in it are no more in the
 * cluster.
 */
async function openElastic(
  elastic: ElasticOptions,
  { archive = {}, dir, retentionMs, retention, log }: EmbeddedOptions,
): Promise<Store> {
  const { shelf, cacheBytes, afterMs, maxBytes } = archive
  const folder = archive.dir ?? (shelf && join(dir, 'archive'))
  if (folder === undefined) {
    const { openElasticStore } = await import('./elasticsearch/store.ts')
    return openElasticStore(elastic)
  }
  const { FolderTier } = await import('./embedded/archive/tier.ts')
  const { ArchivedElasticStore, chunkName } = await import('./elasticsearch/archived.ts')
  const options = {
    ...{ dir: folder, tempDir: join(folder, 'tmp'), maxBytes, chunkName, log },
    retention: retention ?? Retention.same(retentionMs),
    ...(shelf && { shelf: shelfOptions(shelf, cacheBytes, log) }),
  }
  return ArchivedElasticStore.open(elastic, (claim) => FolderTier.open({ ...options, claim }), afterMs)
}

/** Opens what writes lines to Parquet files. @param tempDir a folder of its own, for what does not fit in memory. */
export async function openParquetWriter(tempDir: string): Promise<ParquetWriter> {
  const { ParquetWriter } = await import('./embedded/parquet/writer.ts')
  return ParquetWriter.open(tempDir)
}

/** Reads a Parquet file of lines, as lines that the ingest takes. @param tempDir a folder of its own, for what does not fit in memory. */
export async function* readParquetLines(path: string, tempDir: string): AsyncGenerator<Record<string, unknown>[]> {
  const { readLines } = await import('./embedded/parquet/read.ts')
  yield* readLines(path, tempDir)
}

/** Makes of Parquet files the segments of a store that is only read. Throws SWARMLOGS_STORE_DAMAGED. */
export async function thawLines(
  dir: string,
  files: readonly LinesFile[],
  streams: readonly LogStream[],
): Promise<void> {
  const { thaw } = await import('./embedded/parquet/thaw.ts')
  await thaw(dir, files, streams)
}

/** Opens a store that is only read, on segments that `thawLines` made. */
export async function openFrozen(options: FrozenOptions): Promise<Store> {
  const { FrozenStore } = await import('./embedded/frozen.ts')
  return FrozenStore.open(options)
}
