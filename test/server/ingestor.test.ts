import { pino } from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import { OwnCommits } from '../../server/commits.ts'
import { Ingestor } from '../../server/ingestor.ts'
import { Inventories } from '../../server/inventories.ts'
import { Live } from '../../server/live.ts'
import type { Appended } from '../../server/store/store.ts'
import type { Gap } from '../../shared/gap.ts'
import { inventoryOf } from './inventory.ts'
import { MemoryStore } from './store/memory.ts'
import { ALL, collect, gapOf, linesOf, NOON, queryOf, recordOf, SECOND, streamOf } from './store/records.ts'

const WEB = streamOf('web')
const { signal } = new AbortController()

describe('Ingestor', () => {
  let now: bigint
  let lines: { msg: string; nodeName?: string }[]
  let store: MemoryStore
  let live: Live
  let ingestor: Ingestor
  let outcomes: Appended[]
  beforeEach(() => {
    now = NOON
    lines = []
    outcomes = []
    store = new MemoryStore()
    live = new Live()
    const log = pino({}, { write: (text: string) => lines.push(JSON.parse(text)) })
    const onAppend = (appended: Appended) => outcomes.push(appended)
    ingestor = new Ingestor({
      store,
      commits: new OwnCommits(store, live),
      inventories: new Inventories(store),
      log,
      now: () => now,
      onAppend,
    })
  })

  it('stores gaps with the lines, and rejects when it cannot', async () => {
    await ingestor.records([recordOf(WEB)], [gapOf(WEB)])
    expect(await store.gaps()).toEqual([gapOf(WEB)])
    store.reason = 'the disk is full'
    await expect(ingestor.records([], [gapOf(WEB, { from: 1n })])).rejects.toThrow('the disk is full')
    expect(await store.gaps()).toHaveLength(1)
  })

  it('stores gaps of what the store will never take, once it is put aside, and tells of them', async () => {
    const told: Gap[] = []
    const refused = [gapOf(WEB, { reason: 'refused' })]
    const commits = { append: async () => ({ stored: [], duplicates: 1, received: 1n, refused }) }
    const log = pino({ level: 'silent' })
    const options = { store, commits, inventories: new Inventories(store), log, now: () => now }
    await new Ingestor({ ...options, onGaps: (gaps) => told.push(...gaps) }).records([recordOf(WEB)])
    expect([await store.gaps(), told]).toEqual([refused, refused])
  })

  it('takes level and fields from the line, unless the input had them', async () => {
    await ingestor.records([
      recordOf(WEB, { message: '{"level":"error","a":1}' }),
      recordOf(WEB, { message: 'level=error', level: 'debug', ordinal: 1 }),
      recordOf(WEB, { message: 'level=error', fields: '{"x":1}', ordinal: 2 }),
    ])
    const [parsed, level, fields] = await collect(store)
    expect(parsed).toMatchObject({ level: 'error', fields: expect.stringContaining('"a":1') })
    expect(level).toMatchObject({ level: 'debug', fields: '' })
    expect(fields).toMatchObject({ level: '', fields: '{"x":1}' })
  })

  it('shows to the live tails what was stored, in the order of the commits, and nothing twice', async () => {
    const subscription = live.subscribe({ filter: ALL, maxRecords: 100_000 })
    const appends = Array.from({ length: 30 }, (_, index) => linesOf(WEB, 10, { time: NOON + BigInt(index) * SECOND }))
    await Promise.all([...appends, appends[0] ?? []].map((records) => ingestor.records(records)))
    let last = 0n
    let count = 0
    while (count < 300) {
      const batch = await subscription.next(1000, signal)
      if (typeof batch === 'string') throw new Error(batch)
      expect(batch.received).toBeGreaterThan(last)
      last = batch.received
      count += batch.records.length
    }
    expect(await subscription.next(0, signal)).toBe('timeout')
    expect(outcomes.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(10)
  })

  it('rejects what the store does not take, and shows it to nobody', async () => {
    const subscription = live.subscribe({ filter: ALL })
    store.reason = 'the disk is full'
    await expect(ingestor.records([recordOf(WEB)])).rejects.toMatchObject({ code: 'SWARMLOGS_STORE_UNAVAILABLE' })
    expect(await subscription.next(0, signal)).toBe('timeout')
  })

  it('warns of a clock that runs ahead once per node and hour', async () => {
    const ahead = (nodeId: string) =>
      recordOf(streamOf(nodeId, { nodeId, nodeName: nodeId }), { time: now + 61n * SECOND })
    await ingestor.records([recordOf(WEB, { time: now + 60n * SECOND }), ahead('a'), ahead('a'), ahead('b')])
    now += 3_599n * SECOND
    await ingestor.records([ahead('a')])
    expect(lines).toEqual([
      expect.objectContaining({
        level: 40,
        nodeName: 'a',
        aheadSeconds: 61,
        msg: 'clock of a node runs ahead: set it by NTP',
      }),
      expect.objectContaining({ nodeName: 'b' }),
    ])
    now += 2n * SECOND
    await ingestor.records([ahead('a')])
    expect(lines).toHaveLength(3)
  })

  it('knows when a node was last heard of', async () => {
    expect(ingestor.seen('node1')).toBeUndefined()
    await ingestor.records([recordOf(WEB)])
    expect(ingestor.seen('node1')).toBe(NOON)
    now += 1n
    await ingestor.inventory(inventoryOf({ nodeId: 'node1' }))
    expect(ingestor.seen('node1')).toBe(NOON + 1n)
  })

  it('hears of a node as long as one of its agents is connected', () => {
    const gone = [ingestor.agent('node2', 'two'), ingestor.agent('node2', 'two')]
    now += 1n
    gone[0]?.()
    now += 1n
    expect(ingestor.seen('node2')).toBe(now)
    gone[1]?.()
    now += 1n
    expect(ingestor.seen('node2')).toBe(now - 1n)
  })

  it('takes an empty append without a word to the store', async () => {
    store.reason = 'the disk is full'
    await ingestor.records([])
    expect(await collect(store, queryOf())).toEqual([])
  })
})
