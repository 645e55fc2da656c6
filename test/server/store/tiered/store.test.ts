import { setImmediate } from 'node:timers/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Query } from '../../../../server/query/query.ts'
import { MAX_COUNTS } from '../../../../server/store/histogram.ts'
import { TieredStore } from '../../../../server/store/tiered/store.ts'
import type { LogRecord, StoredRecord } from '../../../../shared/record.ts'
import { MemoryData, MemoryStore, moveLines } from '../memory.ts'
import {
  API,
  collect,
  DAY,
  expectStrictOrder,
  linesOf,
  messages,
  NOON,
  queryOf,
  recordOf,
  SECOND,
  streamOf,
  WEB,
} from '../records.ts'
import { MemoryArchive } from './archive.ts'

/** Counts what is asked of it. */
class CountingArchive extends MemoryArchive {
  searches: Query[] = []
  ended = 0

  override mayHold(time: bigint): boolean {
    return time < NOON - DAY / 2n
  }

  override async count(...question: Parameters<MemoryArchive['count']>): Promise<number> {
    await setImmediate()
    return super.count(...question)
  }

  override async streams(): ReturnType<MemoryArchive['streams']> {
    await setImmediate()
    return super.streams()
  }

  override async *search(query: Query, signal?: AbortSignal): AsyncGenerator<readonly StoredRecord[]> {
    this.searches.push(query)
    try {
      yield* super.search(query, signal)
    } finally {
      this.ended++
    }
  }
}

/** Looks for its lines a while after it was asked, as a store in another process does. */
class SlowStore extends MemoryStore {
  override async *search(query: Query, signal?: AbortSignal): AsyncGenerator<readonly StoredRecord[]> {
    await setImmediate()
    yield* super.search(query, signal)
  }
}

const OLD = NOON - DAY

describe('a hot store and an archive', () => {
  let hot: MemoryData
  let archived: MemoryData
  let archive: CountingArchive
  let store: TieredStore
  const isOld = ({ time }: StoredRecord): boolean => time < NOON - DAY / 2n
  const seal = (isMoved = isOld): Promise<void> => store.swap(() => moveLines(hot, archived, isMoved))

  beforeEach(async () => {
    hot = new MemoryData()
    archived = new MemoryData()
    archive = new CountingArchive(archived)
    store = new TieredStore(new MemoryStore(hot), archive)
    await store.append([...linesOf(WEB, 2_500, { time: OLD }), ...linesOf(API, 2_500)])
    await seal()
    archive.searches = []
    archive.ended = 0
  })

  describe('the archive is left alone', () => {
    it.each<[string, Partial<Query>]>([
      ['where the asked time begins behind it', { since: NOON - 1n }],
      ['where the asked time ends before it', { until: OLD }],
      ['where a page begins behind it', { after: { ...linesPlace(NOON) } }],
      ['where the hot store has the newest', { newest: 10 }],
      ['where it has more of the newest than are held', { newest: 2_000, perTask: true, since: NOON }],
      ['where the first lines from the newest back are enough', { order: 'desc', limit: 2_400 }],
    ])('%s', async (_, query) => {
      await collect(store, queryOf(query))
      expect(archive.searches).toEqual([])
    })

    it('until a walk comes to it', async () => {
      let seen = 0
      for await (const batch of store.search(queryOf({ order: 'desc' }))) {
        expect(archive.searches).toHaveLength(seen < 2_500 ? 0 : 1)
        seen += batch.length
      }
      expect(seen).toBe(5_000)
    })

    it('by appends that are not about its days', async () => {
      await store.append(linesOf(WEB, 10, { time: NOON }))
      expect(archive.searches).toEqual([])
    })
  })

  it('ends what it began when its reader leaves', async () => {
    for await (const _ of store.search(queryOf())) break
    expect([archive.searches.length, archive.ended]).toEqual([1, 1])
  })

  it('asks the archive for the newest of the tasks only that it can have them of', async () => {
    const { filter } = queryOf()
    expect(await collect(store, queryOf({ newest: 5, perTask: true }))).toHaveLength(10)
    expect(archive.searches.map((query) => [query.filter.accepts?.(WEB), query.filter.accepts?.(API)])).toEqual([
      [true, false],
    ])
    expect(filter.accepts).toBeUndefined()
  })

  it('holds late lines against the archive with few searches', async () => {
    const late = linesOf(WEB, 2_505, { time: OLD })
    const { stored, duplicates } = await store.append([...late, recordOf(API, { time: NOON + DAY / 4n })])
    expect([stored.length, duplicates]).toEqual([6, 2_500])
    expect(archive.searches.length).toBeLessThan(5)
    const spread = Array.from({ length: 200 }, (_, n) => recordOf(WEB, { time: OLD - BigInt(n) * 60n * SECOND }))
    archive.searches = []
    expect((await store.append(spread)).duplicates).toBe(1)
    expect(archive.searches.length).toBeLessThanOrEqual(32)
    await seal()
    expect((await store.append([...late, ...spread])).stored).toEqual([])
    expectStrictOrder(await collect(store))
  })

  it('takes no more of a chunk than the archive does not have', async () => {
    const sender = streamOf('app', { containerId: '', taskId: '', tag: 'app' })
    const chunk = (id: string, time = OLD): LogRecord[] =>
      ['a', 'b'].map((message, ordinal) => recordOf(sender, { time, chunk: id, ordinal, message }))
    archive.knownByChunk = async (records) => new Set(records.filter((one) => one.chunk === 'one' && one.ordinal === 0))
    expect((await store.append(chunk('one'))).stored.map(({ message }) => message)).toEqual(['b'])
    expect((await store.append(chunk('two'))).stored).toHaveLength(2)
    expect((await store.append(chunk('one', NOON))).stored).toHaveLength(2)
    expect(archive.searches).toEqual([])
  })

  it('counts a day once while it moves', async () => {
    await store.append(linesOf(WEB, 100, { time: OLD - DAY }))
    const counting = Promise.all([
      store.count(queryOf()),
      store.histogram(queryOf(), { interval: 10n * DAY, by: 'none' }),
      store.streams(),
    ])
    const searching = collect(store, queryOf({ order: 'desc' }))
    const ended = seal()
    const [count, histogram, streams] = await counting
    expect(count).toBe(5_100)
    expect(histogram.map(({ counts }) => counts.get(''))).toEqual([5_100])
    expect(streams.reduce((sum, { records }) => sum + records, 0)).toBe(5_100)
    expect(await searching).toHaveLength(5_100)
    await ended
    expectStrictOrder(await collect(store))
  })

  it.each(['asc', 'desc'] as const)('finds lines that move while a search of them begins, %s', async (order) => {
    const data = new MemoryData()
    await new MemoryStore(data).append(linesOf(WEB, 2_500, { time: OLD }))
    const to = new MemoryData()
    const tiered = new TieredStore(new SlowStore(data), new MemoryArchive(to))
    const prefix = (): string => ''
    const printing = tiered.print(queryOf({ order }), { timestamps: false, prefix })[Symbol.asyncIterator]()
    const reading = Promise.all([
      collect(tiered, queryOf({ order })),
      collect(tiered, queryOf({ order, newest: 2_000 })),
      printing.next(),
    ])
    void tiered.swap(() => moveLines(data, to, () => true))
    const [all, newest, printed] = await reading
    expect([all.length, newest.length]).toEqual([2_500, 2_000])
    expect(printed.done === true ? 0 : printed.value.length).toBe(1)
    await printing.return?.(undefined)
  })

  it('says when all that needs moved lines where they were has ended', async () => {
    const reading = store.search(queryOf())
    await reading.next()
    let hasEnded = false
    const ended = seal().then(() => {
      hasEnded = true
    })
    await store.count(queryOf())
    expect(hasEnded).toBe(false)
    await reading.return(undefined)
    await ended
  })

  it('refuses too many counts in all', async () => {
    const half = MAX_COUNTS / 2 + 1
    await store.append([
      ...linesOf(WEB, half, { time: OLD - DAY }),
      ...linesOf(API, half, { time: NOON + SECOND * 10n }),
    ])
    await seal()
    const refusal = { code: 'SWARMLOGS_USAGE' }
    await expect(store.histogram(queryOf(), { interval: 1_000_000n, by: 'none' })).rejects.toMatchObject(refusal)
  })

  it('gives the newest, more than are held, of both, also where clocks ran ahead', async () => {
    const now = BigInt(Date.now()) * 1_000_000n
    const ahead = now + 3_600n * SECOND
    await store.append(linesOf(WEB, 1_000, { time: NOON + 100n * SECOND }))
    await store.append(linesOf(streamOf('fast'), 1_000, { time: ahead, message: 'ahead' }))
    await store.append(linesOf(WEB, 16_000, { time: now + 10n * SECOND }))
    const plain = new MemoryData()
    for (const record of await collect(store)) plain.records.push(record)
    await seal(({ time }) => (time / 1_000_000n) % 3n === 0n)
    const whole = new MemoryStore(plain)
    for (const newest of [4_000, 16_500, 17_500]) {
      for (const perTask of [false, true]) {
        for (const order of ['asc', 'desc'] as const) {
          const asked = queryOf({ newest, perTask, order })
          const expected = await collect(whole, asked)
          const found = await collect(store, asked)
          expect(found.length).toBe(expected.length)
          expect(found).toEqual(expected)
        }
      }
    }
  })

  it('does not give out commits again after all lines of the newest were archived', async () => {
    const { received } = await store.append([recordOf(WEB, { time: OLD - 5n })])
    const later = received + 3_600n * SECOND
    archived.lastReceived = later
    store = new TieredStore(new MemoryStore(hot), archive)
    expect(store.lastReceived).toBe(later)
    expect((await store.append([recordOf(WEB, { time: NOON + 5n })])).received).toBeGreaterThan(later)
    expect(await messages(store, queryOf({ receivedUpTo: received, limit: 1 }))).toEqual(['hello'])
  })
})

function linesPlace(time: bigint): NonNullable<Query['after']> {
  return { time, nodeId: '', containerId: '', source: 'stdout', ordinal: 0 }
}
