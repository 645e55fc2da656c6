import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Gap } from '../../../shared/gap.ts'
import type { LogRecord, StoredRecord } from '../../../shared/record.ts'
import { mustBeOfToday } from '../../archive/absent.ts'
import type { Archive } from '../../archive/archive.ts'
import type { Query, Scope } from '../../query/query.ts'
import { type GapRange, withLost } from '../gap-table.ts'
import type { HistogramBucket, HistogramWish } from '../histogram.ts'
import type {
  Appended,
  Facet,
  Lineage,
  LineFormat,
  PrintedRun,
  Snapshot,
  Store,
  StoreIdentity,
  StoreRoom,
  StoreStatus,
  StreamDay,
  StreamSummary,
} from '../store.ts'
import { unavailable } from '../unavailable.ts'
import { Printer, RECORD_COLUMNS, recordsOf } from './answers.ts'
import { Bringing } from './archive/bringing.ts'
import { EmbeddedArchive } from './archive/control.ts'
import { lostDays } from './archive/lost-days.ts'
import { Sealing } from './archive/sealing.ts'
import { facets } from './facets.ts'
import { messageOf } from './failure.ts'
import { Folder } from './folder.ts'
import { closeParts, type EmbeddedOptions, openParts, type Parts } from './parts.ts'
import { search } from './search.ts'
import { Snapshots } from './snapshot.ts'
import { statusOf } from './status.ts'
import { count, histogram } from './tally.ts'
import { keepUp } from './upkeep.ts'

const UPKEEP_MS = 60_000

/** Folders that this process has open: the lock on the catalog does not hold against oneself. */
const openFolders = new Set<string>()

/** The store in a folder of DuckDB files. */
export class EmbeddedStore implements Store {
  readonly kind = 'embedded'
  readonly archive: Archive
  readonly #options: EmbeddedOptions
  readonly #folder: Folder
  readonly #upkeep: NodeJS.Timeout
  readonly #snapshots = new Snapshots()
  #parts: Parts
  #bringing: Bringing
  #sealing: Sealing | undefined
  #recovery: Promise<void> | undefined
  #finding: Promise<void> | undefined
  #closing: Promise<void> | undefined

  private constructor(options: EmbeddedOptions, folder: Folder, parts: Parts) {
    this.#options = options
    this.#folder = folder
    this.#parts = parts
    this.#bringing = new Bringing(parts)
    this.#use(parts)
    this.archive = new EmbeddedArchive(
      parts.archive,
      () => this.#ready(),
      () => this.#parts.segments.damagedManifests,
    )
    this.#upkeep = setInterval(() => {
      this.#work().catch((error: unknown) => {
        if (this.#closing === undefined) options.log.error({ err: error }, 'upkeep of the store failed')
      })
    }, UPKEEP_MS)
    this.#upkeep.unref()
  }

  /** Opens or makes the store. Throws SWARMLOGS_LOCKED, _CONFIG, _STORE_NEWER, _STORE_UNAVAILABLE. */
  static async open(options: EmbeddedOptions): Promise<EmbeddedStore> {
    const folder = await Folder.open(options.dir)
    if (openFolders.has(folder.root)) {
      const text = `cannot open the store in '${folder.root}': this process has it open; close it first`
      throw new SwarmlogsError('SWARMLOGS_LOCKED', text)
    }
    openFolders.add(folder.root)
    try {
      let store: EmbeddedStore | undefined
      const parts = await openParts(options, folder, () => void store?.recover())
      store = new EmbeddedStore(options, folder, parts)
      parts.indexer.start()
      return store
    } catch (error) {
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

  get lineage(): Lineage | undefined {
    const { openings } = this.#parts.catalog
    return openings.length > 0 ? { openings, last: this.lastReceived } : undefined
  }

  async noteOpening(): Promise<void> {
    await this.#parts.catalog.noteOpening().catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'cannot note now that the store is opened')
    })
  }

  async append(records: readonly LogRecord[]): Promise<Appended> {
    const { writer, indexer, absent } = await this.#ready()
    if (absent !== '') mustBeOfToday(records, absent)
    const bringing = this.#bringing.bring(records)
    const lease = bringing && (await bringing)
    try {
      const appended = await writer.append(records)
      indexer.start()
      return appended
    } finally {
      lease?.release()
    }
  }

  async *search(query: Query, signal?: AbortSignal): AsyncGenerator<readonly StoredRecord[]> {
    const parts = await this.#ready()
    yield* search(parts, query, { columns: RECORD_COLUMNS, answer: recordsOf }, signal)
  }

  async *print(query: Query, format: LineFormat, signal?: AbortSignal): AsyncGenerator<readonly PrintedRun[]> {
    const parts = await this.#ready()
    const printer = new Printer(format)
    yield* search(parts, query, { columns: [], answer: (lines) => printer.runsOf(lines) }, signal)
  }

  async count(scope: Scope, signal?: AbortSignal): Promise<number> {
    return count(await this.#ready(), scope, signal)
  }

  async histogram(scope: Scope, wish: HistogramWish, signal?: AbortSignal): Promise<readonly HistogramBucket[]> {
    return histogram(await this.#ready(), scope, wish, signal)
  }

  async facets(scope: Scope, signal?: AbortSignal): Promise<readonly Facet[]> {
    return facets(await this.#ready(), scope, signal)
  }

  async appendGaps(gaps: readonly Gap[]): Promise<void> {
    const parts = await this.#ready()
    await parts.gaps.append(gaps)
  }

  async gaps(range: GapRange = {}): Promise<readonly Gap[]> {
    const { gaps, segments, archive, limits } = await this.#ready()
    const lost = segments.all.flatMap(({ archived }) => archived?.gaps() ?? [])
    return withLost(gaps.in(range), [...lostDays(archive, limits.retention), ...lost], range)
  }

  async streams(): Promise<readonly StreamSummary[]> {
    const { streams } = await this.#ready()
    return streams.summaries()
  }

  async days(): Promise<readonly StreamDay[]> {
    const { segments } = await this.#ready()
    return segments.all.flatMap(({ streams, day, isOdd }) =>
      [...streams].map(([{ stream }, { records }]) => ({ stream, day: isOdd ? '' : day, records })),
    )
  }

  async save(name: string, value: string): Promise<void> {
    const { catalog } = await this.#ready()
    await catalog.save(name, value).catch((error: unknown) => {
      throw unavailable(`save '${name}': ${messageOf(error)}`, error)
    })
  }

  async load(name: string): Promise<string | undefined> {
    const { catalog } = await this.#ready()
    return catalog.load(name).catch((error: unknown) => {
      throw unavailable(`load '${name}': ${messageOf(error)}`, error)
    })
  }

  status(): StoreStatus {
    this.#mustBeOpen()
    return statusOf(this.#parts, this.#recovery === undefined ? undefined : 'the engine is being started anew')
  }

  async room(): Promise<StoreRoom> {
    const { limits } = await this.#ready()
    return { freeBytes: await this.#folder.freeBytes(), maxBytes: limits.maxBytes }
  }

  async snapshot(): Promise<Snapshot> {
    return this.#snapshots.take(await this.#ready(), this.#folder)
  }

  /** Expires what is too old or too much, seals what is idle; runs by itself every minute. */
  async runUpkeep(nowMs: number = Date.now()): Promise<void> {
    await this.#findArchive()
    await keepUp(await this.#ready(), nowMs, this.#options.log)
  }

  /** Archives the days that are due; runs by itself every minute. Resolves when none is left. */
  async runSealing(nowMs: number = Date.now()): Promise<void> {
    const { absent } = await this.#ready()
    if (absent === '') await this.#sealing?.run(nowMs)
  }

  /** Starts the engine anew, by default after an error that it cannot go on from. What runs on it fails; calls that come meanwhile wait. */
  async recover(why = 'the database engine failed'): Promise<void> {
    if (this.#closing !== undefined) return
    this.#recovery ??= this.#recover(why).finally(() => {
      this.#recovery = undefined
    })
    await this.#recovery
  }

  /** Resolves when the index of words covers what was appended, but for the last few thousand lines. */
  async indexed(): Promise<void> {
    const { indexer } = await this.#ready()
    await indexer.finish()
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  /** Has the archive serve that could not be found when the store was opened. */
  async #findArchive(): Promise<void> {
    const { archive, absent } = await this.#ready()
    if (absent === '') return
    this.#finding ??= archive
      .restore()
      .then(
        () => this.recover('its archive was found'),
        (err: unknown) => this.#options.log.debug({ err }, 'the archive cannot be found now'),
      )
      .finally(() => {
        this.#finding = undefined
      })
    await this.#finding
  }

  async #work(): Promise<void> {
    await this.runUpkeep()
    await this.runSealing()
  }

  async #recover(why: string): Promise<void> {
    const { log } = this.#options
    const before = this.#parts
    const { engine, serial, writer, indexer, thinner, onFatal } = before
    log.warn({ why }, 'the store is being opened anew')
    try {
      writer.stop(why)
      // Who reads it must not take what is written from now on for a part of it.
      await this.#snapshots.close()
      await indexer.stop()
      await this.#sealing?.stop()
      await thinner.stop()
      await serial.run(() => engine.close())
      this.#use(await openParts(this.#options, this.#folder, onFatal, before))
      this.#parts.indexer.start()
      log.info('the store is open again')
    } catch (error) {
      log.error({ err: error }, 'the database engine cannot be started anew, trying again on the next call')
    }
  }

  async #close(): Promise<void> {
    clearInterval(this.#upkeep)
    await this.#recovery
    await this.#sealing?.stop()
    await this.#bringing.stop()
    await this.#snapshots.close()
    await closeParts(this.#parts, this.#options.log)
    this.#options.archive?.shelf?.close()
    openFolders.delete(this.#folder.root)
  }

  #use(parts: Parts): void {
    const { archive: { afterMs } = {}, log } = this.#options
    const { absent } = parts
    if (absent !== '') log.error({ why: absent }, 'the archive cannot be found: its days are missing until it is')
    this.#parts = parts
    this.#bringing = new Bringing(parts)
    if (afterMs !== undefined) this.#sealing = new Sealing({ afterMs, log }, parts)
  }

  /** The parts to work with; waits while the engine is started anew. */
  async #ready(): Promise<Parts> {
    this.#mustBeOpen()
    if (this.#recovery !== undefined || this.#parts.engine.isClosed) await this.recover()
    this.#mustBeOpen()
    return this.#parts
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw unavailable('use the store: it is closed')
  }
}
