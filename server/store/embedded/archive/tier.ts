import type { Logger } from 'pino'
import type { Gap } from '../../../../shared/gap.ts'
import type { LogRecord, StoredRecord } from '../../../../shared/record.ts'
import { whyAbsent } from '../../../archive/absent.ts'
import type { Archive } from '../../../archive/archive.ts'
import { type ArchiveClaim, type ArchivedFolder, ArchiveFolder } from '../../../archive/folder.ts'
import { type DayManifest, folderName } from '../../../archive/manifest.ts'
import type { ShelfOptions } from '../../../archive/shelf-copy.ts'
import type { Query, Scope } from '../../../query/query.ts'
import type { Retention } from '../../../retention.ts'
import type { HistogramBucket, HistogramWish } from '../../histogram.ts'
import type { Facet, StoreStatus, StreamDay, StreamSummary } from '../../store.ts'
import type { ArchiveTier, DayToSeal, TierDay } from '../../tiered/archive-tier.ts'
import { unavailable } from '../../unavailable.ts'
import { RECORD_COLUMNS, recordsOf } from '../answers.ts'
import { Engine } from '../engine.ts'
import { facets } from '../facets.ts'
import { Indexer } from '../grams/indexer.ts'
import type { ReadParts } from '../parts.ts'
import { bytesOf } from '../retention.ts'
import { search } from '../search.ts'
import { dayOf, type Segment } from '../segment.ts'
import { Serial } from '../serial.ts'
import { count, histogram } from '../tally.ts'
import { recordsOfChunks, writeChunks } from './chunks.ts'
import { EmbeddedArchive } from './control.ts'
import { ArchivedLines } from './lines.ts'
import { sealDay } from './sealer.ts'
import { ServedDays } from './served-days.ts'

const MEMORY_BYTES = 512 * 2 ** 20
const SLICE_BYTES = MEMORY_BYTES / 16
const TEMP_BYTES = 4 * 2 ** 30

/** How an archive is opened that is not an embedded store's own. */
export interface TierOptions {
  /** Its folder; made with the first day. */
  readonly dir: string
  /** Folder of this process alone, for what does not fit in memory. */
  readonly tempDir: string
  /** Days of which all lines are older may go; and the oldest ones while all together have more than `maxBytes`. */
  readonly retention: Retention
  readonly maxBytes?: number | undefined
  /** Where it is kept besides; that is closed with the tier. */
  readonly shelf?: ShelfOptions
  /** Whose it is. */
  readonly claim: ArchiveClaim
  /** As the store names a chunk of a foreign sender. */
  readonly chunkName: (chunk: string) => string
  readonly log: Logger
}

/** The archive of a store of another kind: its days, read where they are. */
export class FolderTier implements ArchiveTier {
  readonly control: Archive
  readonly #options: TierOptions
  readonly #folder: ArchiveFolder
  readonly #parts: ReadParts
  /** Only takes over what there is. */
  readonly #indexer: Indexer
  readonly #serial = new Serial()
  readonly #days: ServedDays
  /** Written, and not read yet. */
  readonly #written = new Map<string, DayManifest>()
  readonly #damagedManifests: string[] = []
  #absent = ''
  #isClosed = false

  private constructor(options: TierOptions, engine: Engine) {
    this.#options = options
    this.#folder = new ArchiveFolder(options.dir, options.shelf)
    const days = new ServedDays(this.#folder, options.log)
    const segments = {
      get all() {
        return days.all
      },
      ofPartition: (day: string) => days.all.filter((segment) => segment.partition === day),
      expire: (segment: Segment) => days.expire(segment),
      // Nothing can be mended in what is only read: a damaged file is left out.
      setAside: async () => {},
      reattach: async () => {},
    }
    const rest = { serial: this.#serial, sliceBytes: SLICE_BYTES, onFatal: () => {} }
    this.#days = days
    this.#parts = { engine, streams: days.streams, segments, writer: days, ...rest }
    this.#indexer = new Indexer({ engine, segments, folder: this.#folder, reserveBytes: 0, log: options.log })
    this.control = new EmbeddedArchive(
      this.#folder,
      async () => ({ segments, serial: this.#serial }),
      () => this.#damagedManifests,
    )
  }

  /** Throws SWARMLOGS_STORE_NEWER when a newer version wrote it. */
  static async open(options: TierOptions): Promise<FolderTier> {
    const { tempDir, log } = options
    const engine = await Engine.open({ memoryBytes: MEMORY_BYTES, tempDir, tempBytes: TEMP_BYTES })
    try {
      const tier = new FolderTier(options, engine)
      const serve = await tier.find()
      serve?.()
      if (tier.#absent !== '')
        log.error({ why: tier.#absent }, 'the archive cannot be found: its days are missing until it is')
      return tier
    } catch (error) {
      await engine.close()
      throw error
    }
  }

  get range(): ArchiveTier['range'] {
    return this.#days.range
  }

  get lastReceived(): bigint {
    return this.#days.lastReceived
  }

  get sealed(): readonly TierDay[] {
    return this.#days.all.flatMap(({ archived }) => archived?.folder.manifest ?? [])
  }

  get absent(): string {
    return this.#absent
  }

  async find(): Promise<(() => void) | undefined> {
    const { claim, log } = this.#options
    const why = await whyAbsent(async () => {
      await this.#folder.restore()
      if (claim.isNoted) await this.#folder.hold(claim)
    })
    if (why !== '') {
      this.#absent = why
      return undefined
    }
    const days = await this.#folder.days((file, err) => {
      this.#damagedManifests.push(file)
      log.error({ file, err }, 'manifest of an archived day is damaged')
    })
    return () => {
      this.#absent = ''
      this.#days.use(days.map((folder) => this.#linesOf(folder)))
      this.#indexer.start()
    }
  }

  async hold(): Promise<void> {
    await this.#folder.hold(this.#options.claim)
  }

  mayHold(time: bigint): boolean {
    return this.#days.mayHold(time)
  }

  async knownByChunk(records: readonly LogRecord[]): Promise<ReadonlySet<LogRecord>> {
    const { engine } = this.#open()
    const known = new Set<LogRecord>()
    for (const { day, archived } of this.#days.all) {
      const own = records.filter(({ time }) => dayOf(time) === day)
      const table = own.length === 0 ? undefined : await archived?.chunksSql()
      if (table === undefined) continue
      const { chunkName } = this.#options
      for (const record of await this.#serial.run(() => recordsOfChunks(engine.writer, table, own, chunkName)))
        known.add(record)
    }
    return known
  }

  async *search(query: Query, signal?: AbortSignal): AsyncGenerator<readonly StoredRecord[]> {
    this.#indexer.start()
    yield* search(this.#open(), query, { columns: RECORD_COLUMNS, answer: recordsOf }, signal)
  }

  async count(scope: Scope, signal?: AbortSignal): Promise<number> {
    return count(this.#open(), scope, signal)
  }

  async histogram(scope: Scope, wish: HistogramWish, signal?: AbortSignal): Promise<readonly HistogramBucket[]> {
    return histogram(this.#open(), scope, wish, signal)
  }

  async facets(scope: Scope, signal?: AbortSignal): Promise<readonly Facet[]> {
    return facets(this.#open(), scope, signal)
  }

  async streams(): Promise<readonly StreamSummary[]> {
    return this.#open().streams.summaries()
  }

  async days(): Promise<readonly StreamDay[]> {
    this.#open()
    return this.#days.ofStreams()
  }

  lost(): readonly Gap[] {
    return this.#days.lost(this.#options.retention)
  }

  status(): StoreStatus {
    const { all } = this.#open().segments
    const { range } = this.#days
    return {
      ...{ writable: true, reason: '', segments: all.length, bytes: bytesOf(all) },
      records: all.reduce((sum, { records }) => sum + records, 0),
      ...(range && { begins: range.first }),
      ...(this.#absent !== '' && { absent: this.#absent }),
      damaged: [...this.#damagedManifests, ...all.flatMap(({ archived }) => archived?.damaged ?? [])],
    }
  }

  async seal(day: DayToSeal): Promise<TierDay> {
    const before = await this.#days.all.find((segment) => segment.day === day.day)?.archived?.chunksSql()
    const chunks = (path: string): Promise<boolean> =>
      this.#serial.run(() => writeChunks(this.#parts.engine.writer, path, day.chunks, before))
    const manifest = await sealDay(this.#folder, { ...day, chunks })
    this.#written.set(folderName(manifest), manifest)
    return manifest
  }

  serve(day: TierDay): void {
    const manifest = this.#written.get(folderName(day))
    if (manifest === undefined) throw new Error(`BUG: ${folderName(day)} was not sealed`)
    this.#written.delete(folderName(day))
    this.#days.put(this.#linesOf({ path: this.#folder.pathOf(day), manifest }))
    this.#indexer.start()
  }

  async expire(now: bigint): Promise<void> {
    const { retention, maxBytes = Number.POSITIVE_INFINITY } = this.#options
    await this.#serial.run(() => this.#days.expireAll(retention, maxBytes, now))
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#indexer.stop()
    await this.#parts.engine.close()
    this.#options.shelf?.shelf.close()
  }

  #linesOf(folder: ArchivedFolder): ArchivedLines {
    return new ArchivedLines(folder, this.#options.log, this.#folder.cache)
  }

  #open(): ReadParts {
    if (this.#isClosed) throw unavailable('read the archive: it is closed')
    return this.#parts
  }
}
