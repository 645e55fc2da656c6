import type { Gap } from '../../../shared/gap.ts'
import type { LogRecord, StoredRecord } from '../../../shared/record.ts'
import type { Query, Scope } from '../../query/query.ts'
import { greater, smaller } from '../bigint.ts'
import { type GapRange, withLost } from '../gap-table.ts'
import type { HistogramBucket, HistogramWish } from '../histogram.ts'
import { Printer } from '../printer.ts'
import type {
  Appended,
  Facet,
  LineFormat,
  PrintedRun,
  Sharing,
  Store,
  StoreIdentity,
  StoreStatus,
  StreamDay,
  StreamSummary,
} from '../store.ts'
import { unavailable } from '../unavailable.ts'
import { Appending } from './appending.ts'
import type { ArchiveReader } from './archive-reader.ts'
import { Reads } from './reads.ts'
import { reaches, search } from './search.ts'
import { facetsOf, histogramOf, statusOf, summariesOf } from './tally.ts'

/** A hot store and an archive of the days that left it, as one store. Each line is in one of them, but while `swap` moves it. */
export class TieredStore implements Store {
  readonly kind: string
  readonly noteOpening?: NonNullable<Store['noteOpening']>
  readonly refusals?: NonNullable<Store['refusals']>
  readonly room?: NonNullable<Store['room']>
  readonly sharing?: Sharing
  readonly #hot: Store
  readonly #archive: ArchiveReader
  readonly #appending: Appending
  readonly #reads = new Reads()
  /** The newest commit of another server that this one was told of. */
  #observed = 0n
  #swaps = 0
  #closing: Promise<void> | undefined

  constructor(hot: Store, archive: ArchiveReader) {
    this.#hot = hot
    this.#archive = archive
    this.#appending = new Appending(hot, archive)
    this.kind = hot.kind
    if (hot.noteOpening !== undefined) this.noteOpening = hot.noteOpening.bind(hot)
    if (hot.refusals !== undefined) this.refusals = hot.refusals.bind(hot)
    if (hot.room !== undefined) this.room = hot.room.bind(hot)
    if (hot.sharing === undefined) return
    this.sharing = {
      ...hot.sharing,
      observe: (received) => {
        this.#observed = greater(this.#observed, received)
        hot.sharing?.observe(received)
      },
    }
    // The newest lines of all may be archived.
    hot.sharing.mark(archive.lastReceived)
  }

  get identity(): StoreIdentity {
    return this.#hot.identity
  }

  get lastReceived(): bigint {
    return greater(this.#hot.lastReceived, this.#archive.lastReceived)
  }

  get lineage(): Store['lineage'] {
    return this.#hot.lineage
  }

  async append(records: readonly LogRecord[]): Promise<Appended> {
    this.#mustBeOpen()
    const end = this.#reads.begin()
    return this.#appending.append(records).finally(end)
  }

  async *search(query: Query, signal?: AbortSignal): AsyncGenerator<readonly StoredRecord[]> {
    yield* this.#read(() => search(this.#hot, this.#archive, this.#asOfNow(query), signal))
  }

  async *print(query: Query, format: LineFormat, signal?: AbortSignal): AsyncGenerator<readonly PrintedRun[]> {
    const printer = new Printer(format)
    yield* this.#read(() =>
      reaches(query, this.#archive)
        ? printed(search(this.#hot, this.#archive, this.#asOfNow(query), signal), printer)
        : this.#hot.print(query, format, signal),
    )
  }

  async count(scope: Scope, signal?: AbortSignal): Promise<number> {
    return this.#tally(scope, async (stores) => {
      const counts = await Promise.all(stores.map((store) => store.count(scope, signal)))
      return counts.reduce((sum, count) => sum + count, 0)
    })
  }

  async histogram(scope: Scope, wish: HistogramWish, signal?: AbortSignal): Promise<readonly HistogramBucket[]> {
    return this.#tally(scope, (stores) => histogramOf(stores, scope, wish, signal))
  }

  async facets(scope: Scope, signal?: AbortSignal): Promise<readonly Facet[]> {
    return this.#tally(scope, (stores) => facetsOf(stores, scope, signal))
  }

  async appendGaps(gaps: readonly Gap[]): Promise<void> {
    await this.#hot.appendGaps(gaps)
  }

  async gaps(range: GapRange = {}): Promise<readonly Gap[]> {
    return withLost(await this.#hot.gaps(range), this.#archive.lost(), range)
  }

  async streams(): Promise<readonly StreamSummary[]> {
    return this.#tally({}, async (stores) => summariesOf(await Promise.all(stores.map((store) => store.streams()))))
  }

  async days(): Promise<readonly StreamDay[]> {
    return this.#tally({}, async (stores) => (await Promise.all(stores.map((store) => store.days()))).flat())
  }

  async save(name: string, value: string): Promise<void> {
    await this.#hot.save(name, value)
  }

  async load(name: string): Promise<string | undefined> {
    return this.#hot.load(name)
  }

  status(): StoreStatus {
    return statusOf(this.#hot.status(), this.#archive.status())
  }

  /**
   * Moves lines from one side to the other: what begins afterwards finds them there only. `move` must not wait. Resolves when all that had begun
   * before has ended, and does not need them any more where they were.
   */
  async swap(move: () => void): Promise<void> {
    const ended = this.#reads.ended()
    this.#swaps++
    move()
    await ended
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    await this.#appending.ended()
    await this.#hot.close()
    await this.#archive.close()
  }

  /**
   * What a walk answers. When lines moved while it began, it begins anew: it may have looked for them where they were not yet, and then where they
   * were no more. Once it has begun it has opened the hot store, and what moves later is found in the archive, too.
   */
  async *#read<T>(open: () => AsyncIterable<T>): AsyncGenerator<T> {
    this.#mustBeOpen()
    const end = this.#reads.begin()
    try {
      for (let isBegun = false; !isBegun; ) {
        const swaps = this.#swaps
        for await (const batch of withEnd(open())) {
          isBegun ||= swaps === this.#swaps
          if (!isBegun) break
          if (batch === undefined) return
          yield batch
          this.#mustBeOpen()
        }
      }
    } finally {
      end()
    }
  }

  /** Asks the stores that have lines of the scope; again when lines moved meanwhile, as they may have been counted in both or none. */
  async #tally<T>(scope: Partial<Scope>, ask: (stores: readonly (Store | ArchiveReader)[]) => Promise<T>): Promise<T> {
    this.#mustBeOpen()
    const end = this.#reads.begin()
    try {
      for (;;) {
        const swaps = this.#swaps
        const answer = await ask(reaches(scope, this.#archive) ? [this.#hot, this.#archive] : [this.#hot])
        if (swaps === this.#swaps) return answer
      }
    } finally {
      end()
    }
  }

  /** The query as of this moment: the archive may be opened later, and a store be walked more than once. */
  #asOfNow(query: Query): Query {
    const newest = greater(this.lastReceived, this.#observed)
    return { ...query, receivedUpTo: smaller(query.receivedUpTo ?? newest, newest) }
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw unavailable('use the store: it is closed')
  }
}

async function* printed(walk: AsyncIterable<readonly StoredRecord[]>, printer: Printer): AsyncGenerator<PrintedRun[]> {
  for await (const records of walk) yield printer.runsOf(records)
}

/** A walk, and that it has ended. */
async function* withEnd<T>(walk: AsyncIterable<T>): AsyncGenerator<T | undefined> {
  yield* walk
  yield undefined
}
