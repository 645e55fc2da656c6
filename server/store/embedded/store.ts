import { setInterval } from 'node:timers'
import type { Logger } from 'pino'
import { SwarmlogsError } from '../../../shared/errors.ts'
import type { LogRecord, StoredRecord } from '../../../shared/record.ts'
import type { Query } from '../../query/query.ts'
import type { Appended, LineFormat, PrintedRun, Store, StoreIdentity, StoreStatus, StreamSummary } from '../store.ts'
import { Admission } from './admission.ts'
import { PRINT_COLUMNS, Printer, RECORD_COLUMNS, recordsOf } from './answers.ts'
import { greater, smaller } from './bigint.ts'
import { Catalog } from './catalog.ts'
import { Engine } from './engine.ts'
import { messageOf, unavailable } from './failure.ts'
import { Folder } from './folder.ts'
import { Lookup } from './lookup.ts'
import { expireSegments, type Limits, totalBytes } from './retention.ts'
import { type SearchOptions, search } from './search.ts'
import { dayOf } from './segment.ts'
import { Segments } from './segments.ts'
import { Serial } from './serial.ts'
import { Streams } from './streams.ts'
import { sealSegment } from './transaction.ts'
import { Writer } from './writer.ts'

const MIB = 2 ** 20
const DEFAULT_MEMORY_BYTES = 192 * MIB
const DEFAULT_MAX_BYTES = 20 * 1024 * MIB
const DEFAULT_SEGMENT_BYTES = 1024 * MIB
const DEFAULT_RESERVE_BYTES = 64 * MIB
const MAX_TEMP_BYTES = 4 * 1024 * MIB
const DEFAULT_LOCK_WAIT_MS = 30_000
const UPKEEP_MS = 60_000
/** A segment of a past day is sealed when nothing was written to it for so long. */
const IDLE_MS = 5 * 60_000

/** How the embedded store is opened. */
export interface EmbeddedOptions {
  readonly dir: string
  readonly retentionMs: number
  /** Of all segments; by default 20 GiB, or 80 % of what is free and ours where that is less. */
  readonly maxBytes?: number | undefined
  /** A segment that is as large takes no more lines; by default 1 GiB, at most a tenth of maxBytes. */
  readonly segmentBytes?: number | undefined
  /** DuckDB's memory; by default 192 MiB. */
  readonly memoryBytes?: number | undefined
  /** How long to wait for another server to let go of the folder; by default 30 s. */
  readonly lockWaitMs?: number | undefined
  /** Bytes of the disk that are left free; by default 64 MiB. */
  readonly reserveBytes?: number | undefined
  readonly log: Logger
}

/** Folders that this process has open: the lock on the catalog does not hold against oneself. */
const openFolders = new Set<string>()

/** What the store is made of, in the order in which it was opened. */
interface Parts {
  readonly folder: Folder
  readonly engine: Engine
  readonly catalog: Catalog
  readonly segments: Segments
  readonly streams: Streams
  readonly serial: Serial
  readonly writer: Writer
  readonly limits: Limits
  readonly log: Logger
}

/** The store in a folder of DuckDB files. */
export class EmbeddedStore implements Store {
  readonly #parts: Parts
  readonly #searching: SearchOptions
  readonly #upkeep: NodeJS.Timeout
  #closing: Promise<void> | undefined

  private constructor(parts: Parts) {
    this.#parts = parts
    this.#searching = { ...parts, lastReceived: () => parts.writer.lastReceived }
    this.#upkeep = setInterval(() => {
      this.runUpkeep().catch((error: unknown) => parts.log.error({ err: error }, 'upkeep of the store failed'))
    }, UPKEEP_MS)
    this.#upkeep.unref()
  }

  /** Opens or makes the store. Throws SWARMLOGS_LOCKED, _CONFIG, _STORE_NEWER, _STORE_UNAVAILABLE. */
  static async open(options: EmbeddedOptions): Promise<EmbeddedStore> {
    const folder = await Folder.open(options.dir)
    if (openFolders.has(folder.root)) {
      throw new SwarmlogsError(
        'SWARMLOGS_LOCKED',
        `cannot open the store in '${folder.root}': this process has it open`,
      )
    }
    openFolders.add(folder.root)
    let engine: Engine | undefined
    try {
      const { memoryBytes = DEFAULT_MEMORY_BYTES } = options
      const tempBytes = Math.min(MAX_TEMP_BYTES, Math.floor((await folder.freeBytes()) / 4))
      engine = await Engine.open({ memoryBytes, tempDir: folder.temp, tempBytes })
      return new EmbeddedStore(await openParts(options, folder, engine))
    } catch (error) {
      await engine?.close()
      openFolders.delete(folder.root)
      if (error instanceof SwarmlogsError) throw error
      throw unavailable(`open the store in '${folder.root}': ${messageOf(error)}`, error)
    }
  }

  get identity(): StoreIdentity {
    return this.#parts.catalog.identity
  }

  get lastReceived(): bigint {
    return this.#parts.writer.lastReceived
  }

  async append(records: readonly LogRecord[]): Promise<Appended> {
    this.#mustBeOpen()
    return this.#parts.writer.append(records)
  }

  async *search(query: Query, signal?: AbortSignal): AsyncGenerator<readonly StoredRecord[]> {
    this.#mustBeOpen()
    for await (const found of search(this.#searching, query, RECORD_COLUMNS, signal)) yield recordsOf(found)
  }

  async *print(query: Query, format: LineFormat, signal?: AbortSignal): AsyncGenerator<readonly PrintedRun[]> {
    this.#mustBeOpen()
    const printer = new Printer(format)
    for await (const found of search(this.#searching, query, PRINT_COLUMNS, signal)) yield printer.runsOf(found)
  }

  async streams(): Promise<readonly StreamSummary[]> {
    this.#mustBeOpen()
    return this.#parts.streams.summaries()
  }

  async save(name: string, value: string): Promise<void> {
    this.#mustBeOpen()
    await this.#parts.catalog.save(name, value).catch((error: unknown) => {
      throw unavailable(`save '${name}': ${messageOf(error)}`, error)
    })
  }

  async load(name: string): Promise<string | undefined> {
    this.#mustBeOpen()
    return this.#parts.catalog.load(name)
  }

  status(): StoreStatus {
    this.#mustBeOpen()
    const { segments, writer } = this.#parts
    const begins = beginning(segments)
    return {
      writable: writer.reason === '',
      reason: writer.reason,
      records: segments.all.reduce((sum, segment) => sum + segment.records, 0),
      bytes: totalBytes(segments),
      ...(begins === undefined ? {} : { begins }),
      segments: segments.all.length,
      damaged: segments.damaged,
    }
  }

  /** Expires what is too old or too much, seals what is idle; runs by itself every minute. */
  async runUpkeep(nowMs: number = Date.now()): Promise<void> {
    this.#mustBeOpen()
    const { segments, serial, writer, engine, limits, log } = this.#parts
    await serial.run(async () => {
      await expireSegments(segments, limits, BigInt(nowMs) * 1_000_000n, log)
      const today = dayOf(BigInt(nowMs) * 1_000_000n)
      const isIdle = (lastWriteMs: number): boolean => nowMs - lastWriteMs > IDLE_MS
      for (const segment of segments.all) {
        const isPast = segment.isDirty && segment.day !== today && isIdle(segment.lastWriteMs)
        if (isPast && !segment.isReadOnly) await sealSegment(engine.writer, segment)
      }
      await writer.checkSpace()
    })
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    const { writer, serial, segments, engine, folder, log } = this.#parts
    clearInterval(this.#upkeep)
    await writer.drain()
    try {
      await serial.run(async () => {
        for (const segment of segments.all) {
          if (segment.isDirty && !segment.isReadOnly) await sealSegment(engine.writer, segment)
        }
      })
    } catch (error) {
      // Nothing is lost: the next start takes the WAL in and counts.
      log.warn({ err: error }, 'store was closed without its last checkpoint')
    } finally {
      await engine.close()
      openFolders.delete(folder.root)
    }
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw unavailable('use the store: it is closed')
  }
}

async function openParts(options: EmbeddedOptions, folder: Folder, engine: Engine): Promise<Parts> {
  const { log, retentionMs, lockWaitMs = DEFAULT_LOCK_WAIT_MS, reserveBytes = DEFAULT_RESERVE_BYTES } = options
  const retentionNs = BigInt(Math.round(retentionMs)) * 1_000_000n
  const catalog = await Catalog.open(engine.meta, folder, lockWaitMs, log)
  const connection = engine.writer
  const [streams, serial] = [new Streams(), new Serial()]
  const maxBytes = options.maxBytes ?? (await defaultMaxBytes(folder))
  const segmentBytes = Math.min(options.segmentBytes ?? DEFAULT_SEGMENT_BYTES, Math.max(maxBytes / 10, MIB))
  let admission: Admission | undefined
  const onLoss = (): void => admission?.forget()
  const segments = new Segments({ connection, folder, catalog, streams, segmentBytes, log, onLoss })
  admission = new Admission(new Lookup(connection, segments, streams), segments, streams)
  await segments.open()
  const lastReceived = segments.all.reduce((last, { received }) => greater(last, received), 0n)
  const limits = { retentionNs, maxBytes }
  const writer = new Writer({
    connection,
    folder,
    segments,
    streams,
    admission,
    serial,
    retentionNs,
    reserveBytes,
    log,
    lastReceived,
  })
  return { folder, engine, catalog, segments, streams, serial, writer, limits, log }
}

async function defaultMaxBytes(folder: Folder): Promise<number> {
  const bytes = (await folder.freeBytes()) + (await folder.usedBytes())
  return Math.min(DEFAULT_MAX_BYTES, Math.floor(bytes * 0.8))
}

/** Time of the oldest line; those whose time is out of all reason say nothing about where the store begins. */
function beginning(segments: Segments): bigint | undefined {
  const times = (isOdd: boolean): bigint[] =>
    segments.all.filter((segment) => segment.isOdd === isOdd).flatMap((segment) => segment.oldest ?? [])
  const [known, odd] = [times(false), times(true)]
  const [first, ...others] = known.length > 0 ? known : odd
  return first === undefined ? undefined : others.reduce(smaller, first)
}
