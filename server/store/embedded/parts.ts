import type { Logger } from 'pino'
import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Opening } from '../../../shared/forward/lineage.ts'
import { whyAbsent } from '../../archive/absent.ts'
import { ArchiveFolder } from '../../archive/folder.ts'
import type { Shelf } from '../../archive/shelf.ts'
import { shelfOptions } from '../../archive/shelf-copy.ts'
import { Retention } from '../../retention.ts'
import { greater } from '../bigint.ts'
import { Admission } from './admission.ts'
import { Catalog } from './catalog.ts'
import { Engine } from './engine.ts'
import type { Folder } from './folder.ts'
import { Gaps } from './gaps.ts'
import { Indexer } from './grams/indexer.ts'
import { Lookup } from './lookup.ts'
import type { Limits } from './retention.ts'
import { Segments } from './segments.ts'
import { Serial } from './serial.ts'
import { Streams } from './streams.ts'
import { Thinner } from './thinner.ts'
import { sealSegment } from './transaction.ts'
import { Writer } from './writer.ts'

const MIB = 2 ** 20
const DEFAULT_MEMORY_BYTES = 128 * MIB
/** A sort takes several times the memory of its text, and several searches sort at once. */
const SLICES_IN_MEMORY = 16
const DEFAULT_MAX_BYTES = 20 * 1024 * MIB
const DEFAULT_SEGMENT_BYTES = 1024 * MIB
const DEFAULT_RESERVE_BYTES = 64 * MIB
const MAX_TEMP_BYTES = 4 * 1024 * MIB
const DEFAULT_LOCK_WAIT_MS = 30_000
/** The archive that days of the store are in, among the catalog's named values. */
export const ARCHIVE = 'archive'

/** How the embedded store is opened. */
export interface EmbeddedOptions {
  readonly dir: string
  readonly retentionMs: number
  /** How long the lines of which stream are kept; by default all for `retentionMs`. */
  readonly retention?: Retention | undefined
  /** Of all segments; by default 20 GiB, or 80 % of what is free and ours where that is less. */
  readonly maxBytes?: number | undefined
  /** A segment that is as large takes no more lines; by default 1 GiB, at most a tenth of maxBytes. */
  readonly segmentBytes?: number | undefined
  /** DuckDB's memory; by default 128 MiB. */
  readonly memoryBytes?: number | undefined
  /** How long to wait for another server to let go of the folder; by default 30 s. */
  readonly lockWaitMs?: number | undefined
  /** Bytes of the disk that are left free, so that a checkpoint never meets a full one; by default 64 MiB. */
  readonly reserveBytes?: number | undefined
  /** By default no day is archived; those that are go on being read. */
  readonly archive?: ArchiveOptions | undefined
  readonly log: Logger
}

/** What is archived, and where. */
export interface ArchiveOptions {
  /** By default a folder in the store's own. */
  readonly dir?: string | undefined
  /** A day is due so long after its end; undefined: none is. */
  readonly afterMs?: number | undefined
  /** Of all archived days together; by default they count with all else. */
  readonly maxBytes?: number | undefined
  /** Where all archived days are kept; the folder is a cache of it then. It is closed with the store. */
  readonly shelf?: Shelf | undefined
  /** Of lines in that cache; by default 10 GiB. */
  readonly cacheBytes?: number | undefined
}

/** What an open store is made of, in the order in which it is opened. */
export interface Parts {
  readonly engine: Engine
  readonly catalog: Catalog
  readonly opening: Opening
  readonly gaps: Gaps
  readonly streams: Streams
  readonly serial: Serial
  readonly segments: Segments
  readonly writer: Writer
  readonly indexer: Indexer
  readonly archive: ArchiveFolder
  /** Why it is not known what is archived, or ''. */
  readonly absent: string
  readonly thinner: Thinner
  readonly limits: Limits
  /** Bytes of text that a search sorts at a time. */
  readonly sliceBytes: number
  readonly onFatal: () => void
}

/** What a search works with: a store that is only read has no more. */
export type ReadParts = Pick<Parts, 'engine' | 'streams' | 'serial' | 'sliceBytes' | 'onFatal'> & {
  readonly segments: Pick<Segments, 'all' | 'setAside' | 'reattach'>
  readonly writer: Pick<Writer, 'lastReceived'>
}

/** Opens all parts; `onFatal` is called when the engine is beyond use; `before`: those that had the store open until now. */
export async function openParts(
  options: EmbeddedOptions,
  folder: Folder,
  onFatal: () => void,
  before?: Parts,
): Promise<Parts> {
  const { memoryBytes = DEFAULT_MEMORY_BYTES } = options
  const tempBytes = Math.min(MAX_TEMP_BYTES, Math.floor((await folder.freeBytes()) / 4))
  const engine = await Engine.open({ memoryBytes, tempDir: folder.temp, tempBytes })
  try {
    const parts = await openOn(engine, options, folder, onFatal, before)
    return { ...parts, sliceBytes: Math.floor(memoryBytes / SLICES_IN_MEMORY) }
  } catch (error) {
    await engine.close()
    throw error
  }
}

async function openOn(
  engine: Engine,
  options: EmbeddedOptions,
  folder: Folder,
  onFatal: () => void,
  before: Parts | undefined,
): Promise<Omit<Parts, 'sliceBytes'>> {
  const { log, retentionMs, lockWaitMs = DEFAULT_LOCK_WAIT_MS, reserveBytes = DEFAULT_RESERVE_BYTES } = options
  const retention = options.retention ?? Retention.same(retentionMs)
  const catalog = await Catalog.open(engine.meta, folder, lockWaitMs, log)
  const gaps = await Gaps.open(catalog)
  const [streams, serial] = [new Streams(), new Serial()]
  const maxBytes = options.maxBytes ?? (await defaultMaxBytes(folder))
  const segmentBytes = Math.min(options.segmentBytes ?? DEFAULT_SEGMENT_BYTES, Math.max(maxBytes / 10, MIB))
  let admission: Admission | undefined
  const onLoss = (): void => admission?.forget()
  const { archive, absent } = await openArchive(options, folder, catalog)
  const segments = new Segments({ engine, folder, catalog, streams, serial, segmentBytes, archive, log, onLoss })
  admission = new Admission(new Lookup(engine.writer, segments, streams), segments, streams)
  await segments.open()
  const newest = segments.all.reduce(
    (last, { received }) => greater(last, received),
    greater(before?.writer.lastReceived ?? 0n, catalog.received),
  )
  const writer = new Writer({
    ...{
      connection: engine.writer,
      folder,
      catalog,
      segments,
      streams,
      admission,
      serial,
      retention,
      reserveBytes,
      log,
      onFatal,
    },
    lastReceived: newest,
  })
  const opening = catalog.begin(newest, before?.opening)
  const indexer = new Indexer({ engine, segments, folder, log, reserveBytes })
  const thinner = new Thinner({ engine, segments, serial, folder, log, reserveBytes })
  // What is elsewhere takes no room here.
  const elsewhere = options.archive?.shelf && Number.POSITIVE_INFINITY
  const limits = { retention, maxBytes, archiveBytes: options.archive?.maxBytes ?? elsewhere }
  const rest = { segments, writer, indexer, thinner, archive, absent, limits, onFatal }
  return { engine, catalog, opening, gaps, streams, serial, ...rest }
}

/**
 * The archive, which must be there when days are in it: else their lines would seem never to have come. Where it has to be made anew of a shelf that
 * cannot be reached now, what is missing is said.
 */
async function openArchive(
  options: EmbeddedOptions,
  folder: Folder,
  catalog: Catalog,
): Promise<Pick<Parts, 'archive' | 'absent'>> {
  const { dir = folder.archive, shelf, cacheBytes } = options.archive ?? {}
  const archive = new ArchiveFolder(dir, shelf && shelfOptions(shelf, cacheBytes, options.log))
  const absent = await whyAbsent(() => archive.restore())
  const id = await catalog.load(ARCHIVE)
  if (absent !== '' || id === undefined || id === (await archive.id())) return { archive, absent }
  const text =
    `cannot open the store in '${folder.root}': days of it are archived, and not in '${archive.root}': mount that folder, ` +
    `or name the right one by --archive-dir; where it is lost for good, write ${id} to a file 'id' in it`
  throw new SwarmlogsError('SWARMLOGS_CONFIG', text)
}

/** Stores what waits, seals what is not sealed, closes. */
export async function closeParts(
  { writer, indexer, thinner, serial, segments, engine }: Parts,
  log: Logger,
): Promise<void> {
  await writer.drain()
  await indexer.stop()
  await thinner.stop()
  await serial.run(async () => {
    try {
      for (const segment of segments.all) {
        if (segment.isDirty && !segment.isReadOnly) await sealSegment(engine.writer, segment)
      }
    } catch (error) {
      // Nothing is lost: the next start takes the WAL in and counts.
      log.warn({ err: error }, 'store was closed without its last checkpoint')
    }
    await engine.close()
  })
}

async function defaultMaxBytes(folder: Folder): Promise<number> {
  const bytes = (await folder.freeBytes()) + (await folder.usedBytes())
  return Math.min(DEFAULT_MAX_BYTES, Math.floor(bytes * 0.8))
}
