import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ArchivedElasticStore } from '../../../server/store/elasticsearch/archived.ts'
import { openStore } from '../../../server/store/open.ts'
import { type Elastic, startElastic } from '../../lab/elastic.ts'
import { appendingContract } from './contract/appending.ts'
import { foreignContract } from './contract/foreign.ts'
import { dropAll } from './elasticsearch.ts'
import { collect, DAY, linesOf, NOON, type StoreUnderTest, WEB } from './records.ts'

const DAY_MS = 86_400_000

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
      ...{ dir, retentionMs: 500 * DAY_MS, archive: { afterMs: 0 } },
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

/** Archives all that was appended, today's lines included, after every other append. */
function sealing(store: ArchivedElasticStore): ArchivedElasticStore {
  const append = store.append.bind(store)
  let appends = 0
  store.append = async (records) => {
    const appended = await append(records)
    if (appends++ % 2 === 0) await store.runSealing(Date.now() + 400 * DAY_MS)
    return appended
  }
  return store
}

describe('elasticsearch, half archived: store contract', () => {
  let opened: StoreUnderTest
  beforeEach(async () => {
    opened = await open(true)
  })
  afterEach(async () => {
    await opened.destroy()
  })
  const under = (): StoreUnderTest => opened
  appendingContract(under)
  foreignContract(under)
})

describe('archiving days of Elasticsearch', () => {
  it('moves days that are over, and deletes their indices', async () => {
    const under = await open(false)
    try {
      const lines = [...linesOf(WEB, 3000), ...linesOf(WEB, 2000, { time: NOON - 3n * DAY })]
      await under.store.append(lines)
      const before = await collect(under.store)
      await under.store.runSealing(Date.now() + 400 * DAY_MS)
      expect(await collect(under.store)).toEqual(before)
      expect((await readdir(join(under.dir, 'archive'))).length).toBe(3)
      const { body } = await elastic.call('GET', `/_cat/indices/${under.prefix}-2*?h=index`)
      expect(body.trim()).toBe(`${under.prefix}-${new Date().toISOString().slice(0, 10).replaceAll('-', '.')}`)
    } finally {
      await under.destroy()
    }
  })
})
