import { mkdir, readdir } from 'node:fs/promises'
import type { Gap } from '../../../shared/gap.ts'
import type { StoredRecord } from '../../../shared/record.ts'
import type { Query, Scope } from '../../query/query.ts'
import { type GapRange, GapTable } from '../gap-table.ts'
import type { HistogramBucket, HistogramWish } from '../histogram.ts'
import type {
  Appended,
  Facet,
  LineFormat,
  PrintedRun,
  Store,
  StoreIdentity,
  StoreStatus,
  StreamDay,
  StreamSummary,
} from '../store.ts'
import { unavailable } from '../unavailable.ts'
import { Printer, RECORD_COLUMNS, recordsOf } from './answers.ts'
import { Engine } from './engine.ts'
import { facets } from './facets.ts'
import { messageOf } from './failure.ts'
import { GRAMS } from './folder.ts'
import { adoptGrams, FrozenIndex } from './grams/frozen-index.ts'
import { segmentsOf } from './parquet/thaw.ts'
import type { ReadParts } from './parts.ts'
import { quoteText } from './schema.ts'
import { search } from './search.ts'
import { compareSegments, isSegmentName, Segment } from './segment.ts'
import { Serial } from './serial.ts'
import { Streams } from './streams.ts'
import { count, histogram } from './tally.ts'

const MEMORY_BYTES = 512 * 2 ** 20
const TEMP_BYTES = 4 * 2 ** 30
const SLICES_IN_MEMORY = 16
const EXTENSION = '.duckdb'

/** What a frozen store is beside its lines. */
export interface FrozenOptions {
  /** Folder with the segments that `thaw` made. */
  readonly dir: string
  /** Folder of this process alone, for what does not fit in memory. */
  readonly tempDir: string
  readonly identity: StoreIdentity
  readonly lastReceived: bigint
  /** Where it begins; undefined: with its first line. */
  readonly begins: bigint | undefined
  readonly gaps: readonly Gap[]
  /** What `load` answers. */
  readonly values: Readonly<Record<string, string>>
  /** Streams that the original store had no lines of here: what a question means depends on them, too. */
  readonly others: readonly StreamSummary[]
  readonly damaged: readonly string[]
}

/** Lines as they once were, to be read by any number of processes at once; it takes no more. */
export class FrozenStore implements Store {
  readonly kind = 'frozen'
  readonly #options: FrozenOptions
  readonly #parts: ReadParts
  readonly #index: FrozenIndex
  readonly #gaps = new GapTable()
  readonly #summaries: readonly StreamSummary[]
  #isClosed = false

  private constructor(options: FrozenOptions, parts: ReadParts, index: FrozenIndex) {
    this.#options = options
    this.#index = index
    this.#parts = parts
    this.#gaps.put(options.gaps)
    const own = parts.streams.summaries()
    const known = new Set(own.map(({ stream }) => JSON.stringify(stream)))
    this.#summaries = [...own, ...options.others.filter(({ stream }) => !known.has(JSON.stringify(stream)))]
  }

  /** Opens the segments in a folder. Throws SWARMLOGS_STORE_UNAVAILABLE. */
  static async open(options: FrozenOptions): Promise<FrozenStore> {
    const { dir, tempDir, lastReceived } = options
    const engine = await Engine.open({ memoryBytes: MEMORY_BYTES, tempDir, tempBytes: TEMP_BYTES })
    try {
      const streams = new Streams()
      const all = await attachAll(engine, segmentsOf(dir), tempDir, streams)
      streams.recount(all.map((segment) => segment.streams))
      // Nothing can be mended in what is only read: the error is the answer's.
      const segments = { all, setAside: async () => {}, reattach: async () => {} }
      const rest = { serial: new Serial(), sliceBytes: MEMORY_BYTES / SLICES_IN_MEMORY, onFatal: () => {} }
      const index = new FrozenIndex(engine, all, tempDir)
      await index.open()
      return new FrozenStore(options, { engine, streams, segments, writer: { lastReceived }, ...rest }, index)
    } catch (error) {
      await engine.close()
      throw unavailable(
        `open the lines in '${dir}': ${messageOf(error)}; delete that folder, and it is made anew`,
        error,
      )
    }
  }

  get identity(): StoreIdentity {
    return this.#options.identity
  }

  get lastReceived(): bigint {
    return this.#options.lastReceived
  }

  async append(): Promise<Appended> {
    throw readOnly()
  }

  async *search(query: Query, signal?: AbortSignal): AsyncGenerator<readonly StoredRecord[]> {
    yield* search(this.#open(), query, { columns: RECORD_COLUMNS, answer: recordsOf }, signal)
  }

  async *print(query: Query, format: LineFormat, signal?: AbortSignal): AsyncGenerator<readonly PrintedRun[]> {
    const printer = new Printer(format)
    yield* search(this.#open(), query, { columns: [], answer: (lines) => printer.runsOf(lines) }, signal)
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

  async appendGaps(): Promise<void> {
    throw readOnly()
  }

  async gaps(range: GapRange = {}): Promise<readonly Gap[]> {
    this.#open()
    return this.#gaps.in(range)
  }

  async streams(): Promise<readonly StreamSummary[]> {
    this.#open()
    return this.#summaries
  }

  async days(): Promise<readonly StreamDay[]> {
    return this.#open().segments.all.flatMap(({ streams, day, isOdd }) =>
      [...streams].map(([{ stream }, { records }]) => ({ stream, day: isOdd ? '' : day, records })),
    )
  }

  async save(): Promise<void> {
    throw readOnly()
  }

  async load(name: string): Promise<string | undefined> {
    this.#open()
    return this.#options.values[name]
  }

  status(): StoreStatus {
    const { all } = this.#open().segments
    const { begins, damaged } = this.#options
    return {
      ...{ writable: false, reason: 'it is a bundle, which is only read', segments: all.length, damaged },
      records: all.reduce((sum, { records }) => sum + records, 0),
      bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
      ...(begins !== undefined && { begins }),
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#index.stop()
    await this.#parts.engine.close()
  }

  /** Makes the index of words now; else that is done in the background, when it is open for a while. */
  async index(): Promise<void> {
    await this.#index.finish()
  }

  #open(): ReadParts {
    if (this.#isClosed) throw unavailable('use the store: it is closed')
    return this.#parts
  }
}

async function attachAll(engine: Engine, folder: string, tempDir: string, streams: Streams): Promise<Segment[]> {
  const names = (await readdir(folder))
    .filter((file) => file.endsWith(EXTENSION))
    .map((file) => file.slice(0, -EXTENSION.length))
  const segments: Segment[] = []
  // The engine has emptied it, and makes it only when it needs it.
  await mkdir(tempDir, { recursive: true, mode: 0o700 })
  for (const name of names.filter(isSegmentName)) {
    await adoptGrams(folder, name, tempDir)
    const segment = new Segment(folder, name, { grams: `${tempDir}/${name}.duckdb${GRAMS}` })
    await engine.writer.run(`ATTACH ${quoteText(segment.path)} AS ${segment.database} (READ_ONLY)`)
    await segment.load(engine.writer, streams)
    segments.push(segment)
  }
  return segments.sort(compareSegments)
}

function readOnly(): Error {
  return unavailable('write to a bundle: it is only read; send lines to a server')
}
