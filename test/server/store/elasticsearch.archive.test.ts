import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { MANIFEST, MANIFEST_COPY } from '../../../server/archive/manifest.ts'
import type { CopySide } from '../../../server/config/copy.ts'
import { runCopy } from '../../../server/copy.ts'
import type { ArchivedElasticStore } from '../../../server/store/elasticsearch/archived.ts'
import { openStore } from '../../../server/store/open.ts'
import { ANY_NODE } from '../../../shared/gap.ts'
import { formatTime } from '../../../shared/time.ts'
import { type Elastic, startElastic } from '../../lab/elastic.ts'
import { flipByte } from '../archive/scene.ts'
import { storeContract } from './contract.ts'
import { dropAll } from './elasticsearch.ts'
import { collect, DAY, linesOf, messages, NOON, queryOf, type StoreUnderTest, WEB } from './records.ts'
import { PER_APPEND } from './seal-crash.ts'
import { expectAckedOnce, writeAndKill } from './write-and-kill.ts'

const DAY_MS = 86_400_000
/** When all lines are old, and have been there for long. */
const LATER = Date.now() + 2 * DAY_MS
const WRITER = fileURLToPath(new URL('elasticsearch.seal-crash.ts', import.meta.url))
const ROUNDS = Number(process.env.TEST_ROUNDS ?? 6)

let elastic: Elastic
beforeAll(async () => {
  elastic = await startElastic()
})
afterAll(async () => {
  await elastic.stop()
})

interface Opened extends StoreUnderTest {
  store: ArchivedElasticStore
  readonly prefix: string
  readonly dir: string
}

let number = 0

async function open(isSealing: boolean): Promise<Opened> {
  const dir = await mkdtemp(join(tmpdir(), 'swarmlogs-archive-'))
  const prefix = `test-archive-${process.pid}-${number++}`
  const openIt = async (): Promise<ArchivedElasticStore> => {
    const store = (await openStore({
      ...{ dir, retentionMs: 500 * DAY_MS, archive: { dir: join(dir, 'archive'), afterMs: 0 } },
      elasticsearch: { urls: elastic.urls, prefix, replicas: 0 },
      log: pino({ level: process.env.TEST_LOG ?? 'silent' }),
    })) as ArchivedElasticStore
    return isSealing ? sealing(store) : store
  }
  const under: Opened = {
    ...{ prefix, dir, store: await openIt() },
    reopen: async () => {
      await under.store.close()
      under.store = await openIt()
    },
    destroy: async () => {
      await under.store.close()
      await dropAll(elastic.urls[0] ?? '', prefix)
      await rm(dir, { recursive: true, force: true })
    },
  }
  return under
}

/** Archives all that was appended, today's lines included, after the first append, the third, the seventh and so on. */
function sealing(store: ArchivedElasticStore): ArchivedElasticStore {
  const append = store.append.bind(store)
  let appends = 0
  store.append = async (records) => {
    const appended = await append(records)
    appends++
    if ((appends & (appends + 1)) === 0) await store.runSealing(LATER)
    return appended
  }
  return store
}

describe('half hot, half archived', () => {
  // The cluster takes long to make indices: while a test runs the next one's are made.
  let next: Promise<Opened> | undefined
  storeContract('elasticsearch', async () => {
    const opened = await (next ?? open(true))
    next = open(true)
    next.catch(() => undefined)
    return opened
  })
  afterAll(async () => (await next)?.destroy())
})

describe('archiving days of Elasticsearch', () => {
  let under: Opened
  beforeEach(async () => {
    under = await open(false)
  })
  afterEach(async () => {
    await under.destroy()
  })
  const seal = (): Promise<void> => under.store.runSealing(LATER)
  const indices = async (): Promise<string[]> => {
    const { body } = await elastic.call('GET', `/_cat/indices/${under.prefix}-*?h=index&s=index`)
    return body
      .split('\n')
      .map((line) => line.trim().slice(under.prefix.length + 1))
      .filter((name) => /^(late-|odd-)?2/.test(name))
  }
  const archived = async (): Promise<string[]> =>
    (await readdir(join(under.dir, 'archive'))).filter((name) => /^2/.test(name)).sort()
  const today = new Date().toISOString().slice(0, 10).replaceAll('-', '.')
  const dayOf = (time: bigint): string => formatTime(time).slice(0, 10)
  const OLD = NOON - 3n * DAY

  it('moves what is over, takes late lines in the meantime, and merges them in', async () => {
    const lines = [...linesOf(WEB, 300), ...linesOf(WEB, 200, { time: OLD })]
    await under.store.append(lines)
    await seal()
    expect([await indices(), await archived()]).toEqual([[today], [`${dayOf(OLD)}.1`, `${dayOf(NOON)}.1`]])
    const late = linesOf(WEB, 205, { time: OLD })
    expect((await under.store.append(late)).stored).toHaveLength(5)
    expect(await indices()).toEqual([today, `late-${dayOf(OLD).replaceAll('-', '.')}.1`])
    await under.reopen()
    expect((await under.store.append([...lines, ...late])).stored).toEqual([])
    const before = await collect(under.store)
    const days = new Map<string, number>()
    for (const { day, records } of await under.store.days()) days.set(day, (days.get(day) ?? 0) + records)
    expect([...days].sort()).toEqual([
      [dayOf(OLD), 205],
      [dayOf(NOON), 300],
    ])
    await seal()
    expect([await indices(), await archived()]).toEqual([[today], [`${dayOf(OLD)}.2`, `${dayOf(NOON)}.1`]])
    expect(await collect(under.store)).toEqual(before)
    expect(await under.store.count(queryOf())).toBe(505)
    expect(under.store.status().records).toBe(505)
    expect((await under.store.append([...lines, ...late])).stored).toEqual([])
  })

  it('tells a day whose manifests are both damaged as a gap of any container', async () => {
    await under.store.append([...linesOf(WEB, 300), ...linesOf(WEB, 200, { time: OLD })])
    await seal()
    for (const name of [MANIFEST, MANIFEST_COPY]) await flipByte(join(under.dir, 'archive', `${dayOf(OLD)}.1`, name))
    await under.reopen()
    const from = (OLD / DAY) * DAY
    const gap = { stream: ANY_NODE, reason: 'damaged', from, to: from + DAY - 1n, atLeast: 0 }
    expect(await under.store.gaps()).toEqual([gap])
    expect(await under.store.gaps({ since: from + DAY })).toEqual([])
    expect(await collect(under.store)).toHaveLength(300)
  })

  it('can be copied, with its archive, to a store of another kind', async () => {
    await under.store.append([...linesOf(WEB, 300), ...linesOf(WEB, 200, { time: OLD })])
    await seal()
    await under.store.append(linesOf(WEB, 205, { time: OLD }))
    const before = await messages(under.store)
    await under.store.close()
    const elasticsearch = { urls: elastic.urls, prefix: under.prefix, replicas: 0 }
    const to = join(under.dir, 'copy')
    const run = { log: pino({ level: 'silent' }), signal: new AbortController().signal, onProgress: () => {} }
    const copy = (from: CopySide) => runCopy({ from, to: { dir: to } }, run)
    await expect(copy({ elasticsearch })).rejects.toMatchObject({ code: 'SWARMLOGS_CONFIG' })
    const archive = { dir: join(under.dir, 'archive') }
    expect(await copy({ elasticsearch, archive })).toEqual({ records: 505, missing: [] })
    const copied = await openStore({ dir: to, retentionMs: 500 * DAY_MS, log: run.log })
    expect(await messages(copied)).toEqual(before)
    await copied.close()
    await under.reopen()
  })

  it('is left to one server: others refuse to start, or to answer', async () => {
    const other = {
      retentionMs: 500 * DAY_MS,
      elasticsearch: { urls: elastic.urls, prefix: under.prefix, replicas: 0 },
    }
    const log = pino({ level: 'silent' })
    const running = await openStore({ ...other, dir: under.dir, log })
    try {
      running.sharing?.observe((await under.store.append(linesOf(WEB, 10))).received)
      expect(await collect(running)).toHaveLength(10)
      await seal()
      const config = { code: 'SWARMLOGS_CONFIG', message: expect.stringContaining('archive') }
      await expect(openStore({ ...other, dir: under.dir, log })).rejects.toMatchObject(config)
      const archive = { dir: join(under.dir, 'another'), afterMs: 0 }
      await expect(openStore({ ...other, dir: under.dir, archive, log })).rejects.toMatchObject(config)
      await vi.waitFor(() => expect(collect(running)).rejects.toMatchObject({ code: 'SWARMLOGS_STORE_UNAVAILABLE' }), {
        timeout: 40_000,
        interval: 500,
      })
      await vi.waitFor(() => expect(running.status().writable).toBe(false), { timeout: 40_000, interval: 500 })
      expect(await collect(under.store)).toHaveLength(10)
    } finally {
      await running.close()
    }
  })

  it('leaves each line in one place, whenever it is killed', { timeout: 120_000 + ROUNDS * 20_000 }, async () => {
    const { epoch } = under.store.identity
    await under.store.close()
    let acked = 0
    const writer = { path: WRITER, args: [elastic.urls[0] ?? '', under.prefix, join(under.dir, 'archive')] }
    for (let round = 0; round < ROUNDS; round++)
      acked = await writeAndKill(writer, acked, { acks: 1, delayMs: (round * 377) % 2_000 })
    await under.reopen()
    for (const isSealed of [false, true]) {
      if (isSealed) await seal()
      const found = await messages(under.store)
      expectAckedOnce(found, acked, PER_APPEND)
      expect(await under.store.count(queryOf())).toBe(found.length)
    }
    expect(await indices()).toEqual([today])
    expect(under.store.identity.epoch).toBe(epoch)
  })
})
