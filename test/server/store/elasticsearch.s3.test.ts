import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { runCopy } from '../../../server/copy.ts'
import { ArchivedElasticStore } from '../../../server/store/elasticsearch/archived.ts'
import { openStore } from '../../../server/store/open.ts'
import type { Store } from '../../../server/store/store.ts'
import { formatTime } from '../../../shared/time.ts'
import { type Elastic, startElastic } from '../../lab/elastic.ts'
import { useShelf } from '../archive/s3-under-test.ts'
import type { Seen } from '../archive/wire.ts'
import { dropAll } from './elasticsearch.ts'
import { DAY, linesOf, messages, NOON, queryOf, recordOf, WEB } from './records.ts'

const DAY_MS = 86_400_000
/** When all lines are old, and have been there for long. */
const LATER = Date.now() + 2 * DAY_MS
const OLD = NOON - 3n * DAY
const log = pino({ level: process.env.TEST_LOG ?? 'silent' })
const lab = useShelf('mock')

let elastic: Elastic
beforeAll(async () => {
  elastic = await startElastic()
})
afterAll(async () => {
  await elastic?.stop()
})

describe('archiving days of Elasticsearch to S3', () => {
  let prefix: string
  let number = 0
  const opened: ArchivedElasticStore[] = []
  const clusterOf = () => ({ urls: elastic.urls, prefix, replicas: 0 })
  /** A server with a folder of its own, in which no lines stay that nobody reads. */
  const open = async (name: string): Promise<ArchivedElasticStore> => {
    const store = await openStore({
      ...{ dir: join(lab.dir, name), retentionMs: 500 * DAY_MS, elasticsearch: clusterOf(), log },
      archive: { afterMs: 0, s3: lab.config(), cacheBytes: 1 },
    })
    if (!(store instanceof ArchivedElasticStore)) throw new Error('it does not archive')
    opened.push(store)
    return store
  }
  const dayOf = (time: bigint): string => formatTime(time).slice(0, 10)
  const folderOf = (name: string): string => join(lab.dir, name, 'archive')
  const indices = async (): Promise<string[]> => {
    const { body } = await elastic.call('GET', `/_cat/indices/${prefix}-*?h=index&s=index`)
    const names = body.split('\n').map((line) => line.trim().slice(prefix.length + 1))
    return names.filter((name) => /^(late-)?2/.test(name) && !name.endsWith(dayOf(NOON + DAY).replaceAll('-', '.')))
  }
  const onShelf = async (): Promise<string[]> => (await lab.listed()).map(({ name }) => name)
  const days = async (store: Store): Promise<string[]> =>
    ((await store.archive?.list()) ?? []).map(({ manifest: { day, generation } }) => `${day}.${generation}`)

  beforeEach(() => {
    prefix = `test-s3-${process.pid}-${number++}`
  })
  afterEach(async () => {
    lab.wire.fate = () => 'pass'
    for (const store of opened.splice(0)) await store.close()
    await dropAll(elastic.urls[0] ?? '', prefix)
  })

  it('has a day leave the cluster when it is whole on S3, and has it again on another machine', async () => {
    const store = await open('one')
    await store.append([...linesOf(WEB, 300), ...linesOf(WEB, 200, { time: OLD })])
    const all = await messages(store)
    lab.wire.fate = refusing(({ path }) => path.endsWith('/manifest.json'))
    await store.runSealing(LATER)
    expect(await indices()).toHaveLength(2)
    expect(await messages(store)).toEqual(all)
    lab.wire.fate = () => 'pass'
    await store.runSealing(LATER + DAY_MS)
    expect(await indices()).toEqual([])
    expect((await onShelf()).filter((name) => name.endsWith('/manifest.json'))).toHaveLength(2)
    expect(await messages(store)).toEqual(all)
    expect(linesIn(folderOf('one'))).toEqual([])
    await store.close()

    rmSync(join(lab.dir, 'one'), { recursive: true })
    const again = await open('one')
    lab.wire.seen.length = 0
    expect(await messages(again)).toEqual(all)
    expect(lab.wire.seen.filter(({ path }) => path.endsWith('.parquet')).length).toBeGreaterThan(0)
    expect(await again.count(queryOf())).toBe(500)
    lab.wire.seen.length = 0
    // The index of words tells that no file has it.
    expect(await again.count(queryOf({}, { grep: 'nowhere' }))).toBe(0)
    expect(lab.wire.seen.filter(({ path }) => path.endsWith('.parquet'))).toEqual([])
    expect(again.status()).toMatchObject({ records: 500, damaged: [] })
    const late = linesOf(WEB, 205, { time: OLD })
    expect((await again.append(late)).stored).toHaveLength(5)

    expect(await days(again)).toEqual([`${dayOf(OLD)}.1`, `${dayOf(NOON)}.1`])
    const looked: string[] = []
    for await (const { name, why } of again.archive.verify(dayOf(OLD))) looked.push(`${name} ${why}`)
    expect(looked).toContain('lines-00001.parquet ')
    const file = await buffer(await again.archive.read(dayOf(OLD), 'lines-00001.parquet'))
    expect(file.subarray(0, 4).toString()).toBe('PAR1')
    await again.archive.remove(dayOf(NOON))
    await vi.waitFor(async () => expect((await onShelf()).some((name) => name.startsWith(dayOf(NOON)))).toBe(false))
    await again.runSealing(LATER)
    expect([await indices(), await days(again)]).toEqual([[], [`${dayOf(OLD)}.2`]])
    expect(await again.count(queryOf())).toBe(205)
  })

  it('is the work of the server that was started last, which knows what another one did', async () => {
    const one = await open('one')
    await one.append(linesOf(WEB, 20, { time: OLD }))
    await one.runSealing(LATER)
    const two = await open('two')
    expect(await two.count(queryOf())).toBe(20)
    await two.append(linesOf(WEB, 10))
    const gone = { code: 'SWARMLOGS_STORE_UNAVAILABLE', message: expect.stringContaining('another server archives') }
    await one.runSealing(LATER)
    expect(await indices()).toHaveLength(1)
    await vi.waitFor(() => expect(one.count(queryOf())).rejects.toMatchObject(gone), { timeout: 40_000, interval: 500 })
    await one.close()
    await two.runSealing(LATER)
    await two.archive.remove(dayOf(OLD))
    await vi.waitFor(async () => expect((await onShelf()).some((name) => name.startsWith(dayOf(OLD)))).toBe(false))
    await two.close()
    // Its folder is as it left it.
    expect(readdirSync(folderOf('one'))).toContain(`${dayOf(OLD)}.1`)
    const back = await open('one')
    expect(await days(back)).toEqual([`${dayOf(NOON)}.1`])
    expect(await back.count(queryOf())).toBe(10)
    expect(await messages(back)).toHaveLength(10)
  })

  it('opens without its folder while S3 cannot be reached, says so, and has the days serve once it can', async () => {
    const store = await open('one')
    await store.append(linesOf(WEB, 20, { time: OLD }))
    await store.runSealing(LATER)
    await store.append(linesOf(WEB, 10))
    await store.close()
    lab.wire.fate = () => 'cut'
    const lost = await open('two')
    expect(lost.status()).toMatchObject({ writable: true, absent: expect.stringContaining('cannot list') })
    expect(lost.status().begins).toBeUndefined()
    expect(await lost.count(queryOf())).toBe(10)
    const old = recordOf(WEB, { time: OLD, message: 'line 0' })
    await expect(lost.append([old])).rejects.toMatchObject({ code: 'SWARMLOGS_STORE_UNAVAILABLE' })
    expect((await lost.append([recordOf(WEB, { time: NOON + DAY, message: 'now' })])).stored).toHaveLength(1)
    await lost.runSealing(LATER)
    expect(await lost.count(queryOf())).toBe(11)
    lab.wire.fate = () => 'pass'
    await lost.findArchive()
    expect(lost.status().absent).toBeUndefined()
    expect(await lost.count(queryOf())).toBe(31)
    expect((await lost.append([old])).duplicates).toBe(1)
    await lost.runSealing(LATER)
    expect(await days(lost)).toEqual([`${dayOf(OLD)}.1`, `${dayOf(NOON)}.1`, `${dayOf(NOON + DAY)}.1`])
    expect(await indices()).toEqual([])
    expect(await messages(lost)).toHaveLength(31)
  })

  it('is copied from there beside the server that works on it', async () => {
    const store = await open('one')
    await store.append(linesOf(WEB, 20, { time: OLD }))
    await store.runSealing(LATER)
    const archive = { dir: join(lab.dir, 'fetched'), s3: lab.config() }
    const [from, to] = [{ elasticsearch: clusterOf(), archive }, join(lab.dir, 'copy')]
    const run = { log, signal: new AbortController().signal, onProgress: () => {} }
    expect(await runCopy({ from, to: { dir: to } }, run)).toEqual({ records: 20, missing: [] })
    await store.append(linesOf(WEB, 10))
    await store.runSealing(LATER)
    expect(await days(store)).toHaveLength(2)
    expect(await store.count(queryOf())).toBe(30)
  })
})

function refusing(isMeant: (seen: Seen) => boolean) {
  return (seen: Seen) => (seen.method === 'PUT' && isMeant(seen) ? { status: 403 } : 'pass')
}

function linesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /lines-\d+.parquet$/.test(name))
}
