import type { Logger } from 'pino'
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
import { EmbeddedArchive } from './archive/control.ts'
import { lostDays } from './archive/lost-days.ts'
import { facets } from './facets.ts'
import { messageOf } from './failure.ts'
import { Opened } from './opened.ts'
import type { EmbeddedOptions } from './parts.ts'
import { search } from './search.ts'
import { statusOf } from './status.ts'
import { count, histogram } from './tally.ts'
import { keepUp } from './upkeep.ts'

const UPKEEP_MS = 60_000

/** The store in a folder of DuckDB files. */
export class EmbeddedStore implements Store {
  readonly kind = 'embedded'
  readonly archive: Archive
  readonly #log: Logger
  readonly #opened: Opened
  readonly #upkeep: NodeJS.Timeout

  private constructor(opened: Opened, log: Logger) {
    this.#opened = opened
    this.#log = log
    this.archive = new EmbeddedArchive(
      opened.parts.archive,
      () => opened.ready(),
      () => opened.parts.segments.damagedManifests,
    )
    this.#upkeep = setInterval(() => {
      this.#work().catch((error: unknown) => {
        if (!opened.isClosing) log.error({ err: error }, 'upkeep of the store failed')
      })
    }, UPKEEP_MS)
    this.#upkeep.unref()
  }

  /** Opens or makes the store. Throws SWARMLOGS_LOCKED, _CONFIG, _STORE_NEWER, _STORE_UNAVAILABLE. */
  static async open(options: EmbeddedOptions): Promise<EmbeddedStore> {
    return new EmbeddedStore(await Opened.open(options), options.log)
  }

  get identity(): StoreIdentity {
    return this.#opened.parts.catalog.identity
  }

  get lastReceived(): bigint {
    return this.#opened.parts.writer.lastReceived
  }

  get lineage(): Lineage | undefined {
    const { openings } = this.#opened.parts.catalog
    return openings.length > 0 ? { openings, last: this.lastReceived } : undefined
  }

  async noteOpening(): Promise<void> {
    await this.#opened.parts.catalog.noteOpening().catch((error: unknown) => {
      this.#log.warn({ err: error }, 'cannot note now that the store is opened')
    })
  }

  async append(records: readonly LogRecord[]): Promise<Appended> {
    const { writer, indexer, absent } = await this.#opened.ready()
    if (absent !== '') mustBeOfToday(records, absent)
    const bringing = this.#opened.bringing.bring(records)
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
    const parts = await this.#opened.ready()
    yield* search(parts, query, { columns: RECORD_COLUMNS, answer: recordsOf }, signal)
  }

  async *print(query: Query, format: LineFormat, signal?: AbortSignal): AsyncGenerator<readonly PrintedRun[]> {
    const parts = await this.#opened.ready()
    const printer = new Printer(format)
    yield* search(parts, query, { columns: [], answer: (lines) => printer.runsOf(lines) }, signal)
  }

  async count(scope: Scope, signal?: AbortSignal): Promise<number> {
    return count(await this.#opened.ready(), scope, signal)
  }

  async histogram(scope: Scope, wish: HistogramWish, signal?: AbortSignal): Promise<readonly HistogramBucket[]> {
    return histogram(await this.#opened.ready(), scope, wish, signal)
  }

  async facets(scope: Scope, signal?: AbortSignal): Promise<readonly Facet[]> {
    return facets(await this.#opened.ready(), scope, signal)
  }

  async appendGaps(gaps: readonly Gap[]): Promise<void> {
    const parts = await this.#opened.ready()
    await parts.gaps.append(gaps)
  }

  async gaps(range: GapRange = {}): Promise<readonly Gap[]> {
    const { gaps, segments, archive, limits } = await this.#opened.ready()
    const lost = segments.all.flatMap(({ archived }) => archived?.gaps() ?? [])
    return withLost(gaps.in(range), [...lostDays(archive, limits.retention), ...lost], range)
  }

  async streams(): Promise<readonly StreamSummary[]> {
    const { streams } = await this.#opened.ready()
    return streams.summaries()
  }

  async days(): Promise<readonly StreamDay[]> {
    const { segments } = await this.#opened.ready()
    return segments.all.flatMap(({ streams, day, isOdd }) =>
      [...streams].map(([{ stream }, { records }]) => ({ stream, day: isOdd ? '' : day, records })),
    )
  }

  async save(name: string, value: string): Promise<void> {
    const { catalog } = await this.#opened.ready()
    await catalog.save(name, value).catch((error: unknown) => {
      throw unavailable(`save '${name}': ${messageOf(error)}`, error)
    })
  }

  async load(name: string): Promise<string | undefined> {
    const { catalog } = await this.#opened.ready()
    return catalog.load(name).catch((error: unknown) => {
      throw unavailable(`load '${name}': ${messageOf(error)}`, error)
    })
  }

  status(): StoreStatus {
    this.#opened.mustBeOpen()
    return statusOf(this.#opened.parts, this.#opened.isRecovering ? 'the engine is being started anew' : undefined)
  }

  async room(): Promise<StoreRoom> {
    const { limits } = await this.#opened.ready()
    return { freeBytes: await this.#opened.folder.freeBytes(), maxBytes: limits.maxBytes }
  }

  async snapshot(): Promise<Snapshot> {
    return this.#opened.snapshots.take(await this.#opened.ready(), this.#opened.folder)
  }

  /** Expires what is too old or too much, seals what is idle; runs by itself every minute. */
  async runUpkeep(nowMs: number = Date.now()): Promise<void> {
    await this.#opened.findArchive()
    await keepUp(await this.#opened.ready(), nowMs, this.#log)
  }

  /** Archives the days that are due; runs by itself every minute. Resolves when none is left. */
  async runSealing(nowMs: number = Date.now()): Promise<void> {
    const { absent } = await this.#opened.ready()
    if (absent === '') await this.#opened.sealing?.run(nowMs)
  }

  /** Starts the engine anew, by default after an error that it cannot go on from. What runs on it fails; calls that come meanwhile wait. */
  async recover(why?: string): Promise<void> {
    await this.#opened.recover(why)
  }

  /** Resolves when the index of words covers what was appended, but for the last few thousand lines. */
  async indexed(): Promise<void> {
    const { indexer } = await this.#opened.ready()
    await indexer.finish()
  }

  async close(): Promise<void> {
    clearInterval(this.#upkeep)
    await this.#opened.close()
  }

  async #work(): Promise<void> {
    await this.runUpkeep()
    await this.runSealing()
  }
}
