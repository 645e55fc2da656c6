import { createHash } from 'node:crypto'
import { copyFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Retention } from '../../../server/retention.ts'
import { EmbeddedStore } from '../../../server/store/embedded/store.ts'
import type { LogRecord } from '../../../shared/record.ts'
import { collect, DAY, gapOf, linesOf, messages, NOON, queryOf, recordOf, SECOND, streamOf } from './records.ts'

const DAY_MS = 86_400_000
const MIB = 2 ** 20
const log = pino({ level: 'silent' })
const [WEB, DEBUG, AUDIT] = [streamOf('web'), streamOf('debug'), streamOf('audit')]
const RULES = [
  { services: 'shop_debug', ms: 2 * DAY_MS },
  { services: 'shop_audit', ms: 9 * DAY_MS },
]

let dir: string
let store: EmbeddedStore
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'swarmlogs-retention-'))
})
afterEach(async () => {
  await store.close()
  await rm(dir, { recursive: true, force: true })
})

/** All lines for five days, but for those of debug (two) and audit (nine). */
async function start(retention = new Retention({ defaultMs: 5 * DAY_MS, rules: RULES, log })): Promise<EmbeddedStore> {
  retention.learn(() => undefined)
  store = await EmbeddedStore.open({ dir, retentionMs: 5 * DAY_MS, retention, lockWaitMs: 0, log })
  return store
}
/** Upkeep so many days after noon of yesterday. While the index is made of a segment, that one is left to the next. */
async function upkeep(days: bigint, more = 1n): Promise<void> {
  await store.indexed()
  await store.runUpkeep(Number((NOON + days * DAY + more * SECOND) / 1_000_000n))
}
const segments = async () => (await readdir(join(dir, 'segments'))).filter((name) => name.endsWith('.duckdb'))
const counted = async () =>
  Object.fromEntries((await store.streams()).map(({ stream, records }) => [stream.service.slice(5), records]))
/** Random text, which takes space. */
const noise = (index: number): string => createHash('sha512').update(String(index)).digest('base64').repeat(2)

describe('retention by service', () => {
  it('deletes the lines of each service of a day at their time, others stay, and all answers agree', async () => {
    await start()
    const lines = [WEB, DEBUG, AUDIT].flatMap((stream) => linesOf(stream, 1000))
    await store.append([...lines, recordOf(DEBUG, { time: NOON + 2n * SECOND, message: 'x'.repeat(9000) })])
    await upkeep(2n)
    // Its newest line is two seconds younger.
    expect(await counted()).toEqual({ web: 1000, debug: 1001, audit: 1000 })
    await upkeep(2n, 3n)
    expect(await counted()).toEqual({ web: 1000, audit: 1000 })
    expect(await messages(store)).toHaveLength(2000)
    expect(await store.count(queryOf())).toBe(2000)
    expect((await store.days()).map(({ records }) => records)).toEqual([1000, 1000])
    expect(store.status()).toMatchObject({ records: 2000, segments: 1, damaged: [] })
    await upkeep(5n, 2n)
    expect(await counted()).toEqual({ audit: 1000 })
    await store.close()
    await start()
    expect(await counted()).toEqual({ audit: 1000 })
    expect(store.identity.epoch).toBe(0)
    await upkeep(9n, 2n)
    expect(await counted()).toEqual({})
    await store.close()
    expect(await segments()).toEqual([])
    await start()
  })

  it('finds words in what is left, by an index of its own', async () => {
    await start()
    const words = (stream: typeof WEB, count: number): LogRecord[] =>
      linesOf(stream, count).map((record, index) => ({
        ...record,
        message: `${index % 500 === 0 ? 'needle' : 'hay'} ${index} ${stream.service}`,
      }))
    await store.append([...words(DEBUG, 12_000), ...words(WEB, 24_000)])
    await store.indexed()
    const find = async () => (await collect(store, queryOf({}, { grep: 'needle' }))).map(({ stream }) => stream.service)
    expect(await find()).toHaveLength(72)
    await upkeep(2n, 60n)
    expect(await find()).toEqual(Array.from({ length: 48 }, () => 'shop_web'))
    await store.indexed()
    expect(await find()).toHaveLength(48)
  })

  it('gives the space back', async () => {
    await start()
    const many = linesOf(DEBUG, 40_000).map((record, index) => ({ ...record, message: noise(index) }))
    await store.append([...many, recordOf(WEB)])
    await upkeep(1n, 44_000n)
    const before = store.status().bytes
    expect(before).toBeGreaterThan(2 * MIB)
    await upkeep(2n, 60n)
    await upkeep(2n, 120n)
    expect(store.status().bytes).toBeLessThan(before / 4)
    await store.close()
    const [name = ''] = await segments()
    expect([(await segments()).length, (await stat(join(dir, 'segments', name))).size < before / 4]).toEqual([1, true])
    await start()
  })

  it('does not take again what has expired, nor forget what has not', async () => {
    await start()
    const now = BigInt(Date.now()) * 1_000_000n
    const at = (stream: typeof WEB, days: bigint) => recordOf(stream, { time: now - days * DAY, message: `${days}` })
    const records = [at(DEBUG, 3n), at(DEBUG, 1n), at(WEB, 6n), at(WEB, 3n), at(AUDIT, 10n), at(AUDIT, 8n)]
    expect(await store.append(records)).toMatchObject({ duplicates: 0, stored: { length: 3 } })
    expect(await counted()).toEqual({ debug: 1, web: 1, audit: 1 })
    expect(await store.append(records)).toMatchObject({ duplicates: 3, stored: [] })
  })

  it('goes on taking late lines for the day, and knows those that are there', async () => {
    await start()
    const [first, second] = [linesOf(WEB, 50), linesOf(AUDIT, 50)]
    await store.append([...first, ...second, ...linesOf(DEBUG, 50)])
    await upkeep(2n, 60n)
    const late = recordOf(WEB, { time: NOON - SECOND, message: 'late' })
    expect(await store.append([late, ...first, ...second])).toMatchObject({ duplicates: 100, stored: { length: 1 } })
    expect(await counted()).toEqual({ web: 51, audit: 50 })
    await store.close()
    await start()
    expect(await counted()).toEqual({ web: 51, audit: 50 })
    expect((await messages(store))[0]).toBe('late')
  })

  it('takes lines that come meanwhile', async () => {
    await start()
    await store.append([...linesOf(WEB, 20_000), ...linesOf(DEBUG, 20_000)])
    const thinning = upkeep(2n, 60n)
    const late = Array.from({ length: 20 }, (_, ordinal) => recordOf(AUDIT, { ordinal, message: `late ${ordinal}` }))
    for (const record of late) await store.append([record])
    await thinning
    expect(await store.append(late)).toMatchObject({ duplicates: 20, stored: [] })
    await upkeep(2n, 700n)
    expect(await counted()).toEqual({ web: 20_000, audit: 20 })
    await store.close()
    await start()
    expect(await counted()).toEqual({ web: 20_000, audit: 20 })
  })

  it('lets a search that has begun go on, with all of its lines', async () => {
    await start()
    await store.append([...linesOf(WEB, 20_000), ...linesOf(DEBUG, 20_000)])
    await upkeep(1n, 44_000n)
    const search = store.search(queryOf())[Symbol.asyncIterator]()
    let found = (await search.next()).value?.length ?? 0
    await upkeep(2n, 60n)
    expect(await counted()).toEqual({ web: 20_000 })
    for (let next = await search.next(); !next.done; next = await search.next()) found += next.value.length
    expect(found).toBe(40_000)
  })

  it('waits for a backup that reads the segment', async () => {
    await start()
    await store.append([...linesOf(WEB, 100), ...linesOf(DEBUG, 100)])
    const snapshot = await store.snapshot()
    await upkeep(2n, 60n)
    expect(await counted()).toEqual({ web: 100, debug: 100 })
    await snapshot.close()
    await upkeep(2n, 60n)
    expect(await counted()).toEqual({ web: 100 })
  })

  it('counts nothing twice and loses nothing when it is killed between the new segment and the old one', async () => {
    await start()
    await store.append([...linesOf(WEB, 100), ...linesOf(DEBUG, 100)])
    await upkeep(1n, 44_000n)
    const [old = ''] = await segments()
    const path = (name: string): string => join(dir, 'segments', name)
    await copyFile(path(old), join(dir, 'old'))
    // Held by a search, the old file is there until that ends: its note stays, as after a kill.
    const search = store.search(queryOf())[Symbol.asyncIterator]()
    await search.next()
    await upkeep(2n, 60n)
    const closing = store.close()
    await search.return?.(undefined)
    await closing
    await copyFile(join(dir, 'old'), path(old))
    expect(await segments()).toHaveLength(2)
    await start()
    expect(await counted()).toEqual({ web: 100 })
    expect(await segments()).toHaveLength(1)
    expect(store.identity.epoch).toBe(0)
  })

  it('forgets gaps as the lines of their service', async () => {
    await start()
    const gaps = [gapOf(WEB), gapOf(DEBUG)]
    await store.appendGaps(gaps)
    await store.append([recordOf(WEB)])
    await upkeep(2n, 60n)
    expect(await store.gaps()).toEqual([gapOf(WEB)])
  })

  it('deletes nothing for its age before labels of services are known', async () => {
    const retention = new Retention({ defaultMs: DAY_MS, log })
    store = await EmbeddedStore.open({ dir, retentionMs: DAY_MS, retention, lockWaitMs: 0, log })
    await store.append([recordOf(WEB, { time: BigInt(Date.now()) * 1_000_000n })])
    await upkeep(9n)
    expect(await counted()).toEqual({ web: 1 })
    retention.learn(() => '20d')
    await upkeep(9n)
    expect(await counted()).toEqual({ web: 1 })
    retention.learn(() => undefined)
    await upkeep(9n)
    expect(await counted()).toEqual({})
  })
})
