import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EmbeddedOptions } from '../../../server/store/embedded/parts.ts'
import { EmbeddedStore } from '../../../server/store/embedded/store.ts'
import { PartlyStored } from '../../../server/store/store.ts'
import { negate } from '../../../shared/query/make.ts'
import { parseQuery } from '../../../shared/query/parse.ts'
import { collect, DAY, gapOf, linesOf, messages, NOON, queryOf, recordOf, SECOND, streamOf } from './records.ts'

const run = promisify(execFile)
const WEB = streamOf('web')
const MIB = 2 ** 20
const DAY_MS = 86_400_000

const fakeType = vi.hoisted(() => ({ value: undefined as number | undefined }))
vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>()
  const statfs = async (path: string): Promise<unknown> => {
    const answer = await real.statfs(path)
    if (fakeType.value !== undefined) answer.type = fakeType.value
    return answer
  }
  return { ...real, statfs }
})

let dir: string
let store: EmbeddedStore
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'swarmlogs-limits-'))
})
afterEach(async () => {
  fakeType.value = undefined
  await store?.close()
  await rm(dir, { recursive: true, force: true })
})

async function start(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedStore> {
  await store?.close()
  store = await EmbeddedStore.open({
    dir,
    retentionMs: 30 * DAY_MS,
    lockWaitMs: 0,
    log: pino({ level: 'silent' }),
    ...options,
  })
  return store
}

/** Runs a statement on the database in a file, which it calls `db`. */
async function sql(path: string, text: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    await connection.run(`ATTACH '${path}' AS db`)
    return await (await connection.run(text)).getRows()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** Lines that do not compress well, a millisecond apart. */
function bulk(count: number, time: bigint): ReturnType<typeof linesOf> {
  return linesOf(WEB, count, { time }).map((record, index) => ({
    ...record,
    message: `${index} ${Math.sin(index)}${Math.cos(index)}`.repeat(4),
  }))
}

describe('retention', () => {
  it('by age deletes the segments whose newest line is too old, no others', async () => {
    await start()
    for (const days of [3n, 2n, 1n, 0n])
      await store.append([recordOf(WEB, { time: NOON - days * DAY, message: `${days}` })])
    await start({ retentionMs: 2 * DAY_MS })
    const nowMs = Number(NOON / 1_000_000n)
    await store.runUpkeep(nowMs)
    expect(await messages(store)).toEqual(['2', '1', '0'])
    await store.runUpkeep(nowMs + 1)
    expect(await messages(store)).toEqual(['1', '0'])
    expect(store.status()).toMatchObject({ records: 2, begins: NOON - DAY })
    expect(await store.streams()).toMatchObject([{ records: 2, first: NOON - DAY }])
    await store.runUpkeep(nowMs + 40 * DAY_MS)
    expect(await store.streams()).toEqual([])
    await start()
    expect(store.identity.epoch).toBe(0)
    expect((await readdir(join(dir, 'segments'))).filter((name) => name.endsWith('.duckdb'))).toEqual([])
  })

  it('forgets gaps with the lines of their time', async () => {
    await start({ retentionMs: 3 * DAY_MS })
    const old = gapOf(WEB, { from: NOON - 9n * DAY, to: NOON - DAY })
    const gaps = [old, gapOf(WEB)]
    await store.appendGaps(gaps)
    await store.runUpkeep()
    expect(await store.gaps()).toEqual(gaps)
    await store.runUpkeep(Number((NOON + 2n * DAY + SECOND) / 1_000_000n))
    expect(await store.gaps()).toEqual([gapOf(WEB)])
    await start({ retentionMs: 3 * DAY_MS })
    expect(await store.gaps()).toEqual([gapOf(WEB)])
  })

  it('takes no lines that have expired before they come, but does those whose time is out of all reason', async () => {
    await start({ retentionMs: 2 * DAY_MS })
    const now = BigInt(Date.now()) * 1_000_000n
    const old = [3n, 9n].map((days) => recordOf(WEB, { time: now - days * DAY, message: 'old' }))
    expect(await store.append(old)).toMatchObject({ stored: [], duplicates: 0 })
    await store.append([recordOf(WEB, { time: 5n * SECOND, message: '1970' })])
    await store.runUpkeep()
    expect(await messages(store)).toEqual(['1970'])
    await store.runUpkeep(Date.now() + 4 * DAY_MS)
    expect(await messages(store)).toEqual([])
  })

  it('by size deletes the oldest segments, within one day too, and keeps what is written', async () => {
    const maxBytes = 10 * MIB
    await start({ maxBytes })
    for (let round = 0n; round < 8n; round++) await store.append(bulk(15_000, NOON + round * 100n * SECOND))
    const { segments, bytes } = store.status()
    expect(segments).toBeGreaterThan(2)
    expect(bytes).toBeGreaterThan(maxBytes)
    await store.runUpkeep()
    expect(store.status().bytes).toBeLessThanOrEqual(maxBytes)
    expect(store.status().records).toBeGreaterThan(15_000)
    const [first] = await collect(store, queryOf({ limit: 1 }))
    expect(first?.time).toBeGreaterThan(NOON)
    expect(first?.time).toBe(store.status().begins)
    expect(await collect(store, queryOf({ since: NOON + 700n * SECOND }))).toHaveLength(15_000)
  })

  it('lets a search finish that reads what expires', async () => {
    await start()
    for (const days of [3n, 2n, 1n, 0n]) await store.append(linesOf(WEB, 3000, { time: NOON - days * DAY }))
    const reading = store.search(queryOf())[Symbol.asyncIterator]()
    let count = (await reading.next()).value?.length ?? 0
    await store.runUpkeep(Number(NOON / 1_000_000n) + 40 * DAY_MS)
    expect(await collect(store)).toEqual([])
    for (let next = await reading.next(); !next.done; next = await reading.next()) count += next.value.length
    expect(count).toBe(12_000)
    // The files go when the search is done.
    await vi.waitFor(async () => expect(await readdir(join(dir, 'segments'))).toEqual([]), {
      timeout: 5000,
      interval: 10,
    })
  })
})

it('searches and prints many long lines with little memory', async () => {
  await start({ memoryBytes: 64 * MIB })
  const text = Array.from({ length: 1000 }, (_, index) => Math.sin(index))
    .join(' ')
    .slice(0, 16_000)
  for (let first = 0; first < 2500; first += 500) {
    const records = linesOf(WEB, 500, { time: NOON + BigInt(first) * 1_000_000n })
    await store.append(records.map((record, index) => ({ ...record, message: `${first + index} ${text}` })))
  }
  let count = 0
  for await (const batch of store.search(queryOf())) {
    expect(batch.length).toBeLessThan(500)
    count += batch.length
  }
  expect(count).toBe(2500)
  expect(await collect(store, queryOf({}, { grep: `${text.slice(-300)}` }))).toHaveLength(2500)
  const ofWhole = { where: parseQuery(`/^\\d*7 .*${text.slice(-10).replaceAll('.', '\\.')}$/`) }
  expect(await collect(store, queryOf({}, ofWhole))).toHaveLength(250)
  expect(await store.count(queryOf({}, ofWhole))).toBe(250)
  expect((await messages(store, queryOf({ newest: 2 }, ofWhole))).map((one) => one.slice(0, 4))).toEqual([
    '2487',
    '2497',
  ])
})

describe('many lines of some thousand characters that compress well', () => {
  const trace = Array.from({ length: 70 }, (_, line) => `    at com.shop.orders.Controller.handle(Controller:${line})`)
    .join('\n')
    .slice(0, 3500)
  const traces = (count: number, time = NOON): ReturnType<typeof linesOf> =>
    linesOf(WEB, count, { time }).map((record, index) => ({ ...record, message: `failure ${index}\n${trace}` }))

  it('are searched, printed and the newest of them found with little memory', async () => {
    await start({ memoryBytes: 24 * MIB })
    for (let round = 0n; round < 2n; round++) await store.append(traces(5000, NOON + round * 5n * SECOND))
    expect(await collect(store)).toHaveLength(10_000)
    const format = { timestamps: true, prefix: () => '' }
    let chars = 0
    for await (const runs of store.print(queryOf({ order: 'desc' }), format))
      for (const { text } of runs) chars += text.length
    expect(chars).toBeGreaterThan(10_000 * 3500)
    expect(await collect(store, queryOf({ newest: 6000 }))).toHaveLength(6000)
    await start({ memoryBytes: 24 * MIB })
    expect(await collect(store)).toHaveLength(10_000)
  })

  it('are found behind many lines that do not match, however large the slices have grown by then', async () => {
    await start({ memoryBytes: 24 * MIB })
    for (let round = 0n; round < 4n; round++)
      await store.append(linesOf(WEB, 50_000, { time: NOON + round * 50n * SECOND }))
    for (let round = 0n; round < 2n; round++) await store.append(traces(5000, NOON + (300n + round * 5n) * SECOND))
    expect(await collect(store, queryOf({}, { grep: 'failure' }))).toHaveLength(10_000)
  })
})

it('searches that nobody reads from leave memory and places to others, and go on when they are', async () => {
  await start()
  await store.append(linesOf(WEB, 10_000))
  const readings = Array.from({ length: 40 }, () => store.search(queryOf())[Symbol.asyncIterator]())
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const beginnings = Promise.all(readings.map((reading) => reading.next()))
    const ticks = setInterval(() => vi.advanceTimersByTime(10_000), 10)
    const counts = (await beginnings).map(({ value }) => value.length)
    clearInterval(ticks)
    expect(await collect(store)).toHaveLength(10_000)
    vi.advanceTimersByTime(10_000)
    for (const [index, reading] of readings.slice(0, 3).entries()) {
      let count = counts[index]
      for (let next = await reading.next(); !next.done; next = await reading.next()) count += next.value.length
      expect(count).toBe(10_000)
    }
  } finally {
    vi.useRealTimers()
  }
})

it('waits for memory that a commit lacks', async () => {
  await start()
  await store.append([recordOf(WEB, { time: NOON - SECOND, message: 'first' })])
  const { run } = DuckDBConnection.prototype
  let failures = 0
  // As DuckDB has said it beside heavy archiving, which no test can time.
  const text = 'Failed to commit: failed to pin block of size 64.0 KiB (127.2 MiB/128.0 MiB used)'
  const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(function (
    this: DuckDBConnection,
    sql,
    ...rest
  ) {
    if (sql === 'COMMIT' && failures++ < 3) return Promise.reject(new Error(`TransactionContext Error: ${text}`))
    return run.call(this, sql, ...rest)
  })
  const records = [recordOf(WEB, { time: NOON, message: 'new' }), recordOf(WEB, { time: NOON - DAY, message: 'old' })]
  try {
    expect((await store.append(records)).stored).toHaveLength(2)
  } finally {
    spy.mockRestore()
  }
  expect(failures).toBeGreaterThan(4)
  expect(await messages(store)).toEqual(['old', 'first', 'new'])
})

it('tells what it stored of an append that fails half way', async () => {
  await start()
  const blocked = join(dir, 'segments', `${new Date(Number(NOON / 1_000_000n)).toISOString().slice(0, 10)}.0.duckdb`)
  await mkdir(blocked)
  const records = [recordOf(WEB, { time: NOON, message: 'new' }), recordOf(WEB, { time: NOON - DAY, message: 'old' })]
  const failure = await store.append(records).catch((error: unknown) => error)
  if (!(failure instanceof PartlyStored)) throw failure
  expect(failure.code).toBe('SWARMLOGS_STORE_UNAVAILABLE')
  expect(failure.appended.stored).toEqual(await collect(store))
  expect(failure.appended.stored.map(({ message }) => message)).toEqual(['old'])
  expect(store.lastReceived).toBe(failure.appended.received)
  await rm(blocked, { recursive: true })
  const { stored, duplicates, received } = await store.append(records)
  expect([stored.map(({ message }) => message), duplicates]).toEqual([['new'], 1])
  expect(received).toBeGreaterThan(failure.appended.received)
})

it('does not look for a text that is longer than what the pieces of long lines share', async () => {
  await start()
  const asked = collect(store, queryOf({}, { grep: 'x'.repeat(513) }))
  await expect(asked).rejects.toMatchObject({
    code: 'SWARMLOGS_LIMIT',
    message: expect.stringMatching(/^cannot search/),
  })
})

it('looks for no longer text by a query either', async () => {
  await start()
  const where = negate({ op: 'text', text: 'x'.repeat(513), isExact: true })
  await expect(collect(store, queryOf({}, { where }))).rejects.toMatchObject({ code: 'SWARMLOGS_LIMIT' })
})

it('refuses a regex that is too much for its engine, and says so', async () => {
  await start()
  await store.append(linesOf(WEB, 10))
  const query = queryOf({}, { where: parseQuery('/[\\pL]{1000}/') })
  const refusal = {
    code: 'SWARMLOGS_USAGE',
    message: expect.stringMatching(/^cannot use a regex of the query: pattern too large/),
  }
  await expect(collect(store, query)).rejects.toMatchObject(refusal)
  await expect(store.count(query)).rejects.toMatchObject(refusal)
  expect(await collect(store)).toHaveLength(10)
})

describe('the folder', () => {
  it('of the first format is taken over, and no longer open to servers that know only that', async () => {
    await start()
    await store.append(linesOf(WEB, 100))
    await store.close()
    const [segment] = (await readdir(join(dir, 'segments'))).filter((name) => name.endsWith('.duckdb'))
    await sql(join(dir, 'segments', segment ?? ''), 'ALTER TABLE db.sealed DROP COLUMN text')
    await sql(join(dir, 'catalog.duckdb'), "UPDATE db.meta SET value = '1' WHERE name = 'format'")
    await start()
    expect(await collect(store)).toHaveLength(100)
    await store.append([recordOf(WEB, { time: NOON + SECOND })])
    await store.close()
    expect(await sql(join(dir, 'catalog.duckdb'), "SELECT value FROM db.meta WHERE name = 'format'")).toEqual([['2']])
    expect(await sql(join(dir, 'segments', segment ?? ''), 'SELECT records, text FROM db.sealed')).toEqual([
      [101n, 695n],
    ])
    await start()
    expect(await collect(store)).toHaveLength(101)
    expect(store.identity.epoch).toBe(0)
  })

  it('is refused to a second server, which waits as long as it is told', async () => {
    const writer = fileURLToPath(new URL('embedded.crash.ts', import.meta.url))
    const child = spawn(process.execPath, [writer, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    const locked = {
      code: 'SWARMLOGS_LOCKED',
      message: expect.stringMatching(/^cannot open .* another server is using it/),
    }
    await expect(start()).rejects.toMatchObject(locked)
    const waiting = start({ lockWaitMs: 20_000 })
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect((await collect(await waiting)).length).toBeGreaterThan(0)
  })

  it('is refused to this process when it has it open', async () => {
    await start()
    const second = EmbeddedStore.open({ dir, retentionMs: DAY_MS, log: pino({ level: 'silent' }) })
    await expect(second).rejects.toMatchObject({ code: 'SWARMLOGS_LOCKED' })
  })

  it.each([
    [0x6969, 'NFS'],
    [0xff534d42, 'CIFS'],
    // As a signed number, which is how some platforms give it.
    [0xff534d42 - 2 ** 32, 'CIFS'],
    [0x01021997, '9p'],
    [0x00c36400, 'Ceph'],
  ])('is refused on a network file system (%i, %s)', async (type, name) => {
    fakeType.value = type
    await expect(start()).rejects.toMatchObject({
      code: 'SWARMLOGS_CONFIG',
      message: expect.stringContaining(`(${name})`),
    })
  })

  it('is refused when it is a file', async () => {
    const path = join(dir, 'file')
    await writeFile(path, '')
    await expect(start({ dir: path })).rejects.toMatchObject({ code: 'SWARMLOGS_CONFIG' })
  })

  it('may have quotes and spaces in its name', async () => {
    await start({ dir: join(dir, `it's a "folder"; é`) })
    await store.append([recordOf(WEB)])
    await start({ dir: join(dir, `it's a "folder"; é`) })
    expect(await collect(store)).toHaveLength(1)
  })
})

describe.skipIf(process.getuid?.() !== 0)('a full disk', () => {
  let disk: string
  beforeEach(async () => {
    disk = join(dir, 'disk')
    await mkdir(disk)
    await run('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk])
  })
  afterEach(async () => {
    await store?.close()
    await run('umount', ['-l', disk])
  })

  /** `reserve`: whether the store stops in time, or runs into the end of the disk. */
  it.each([
    ['before it is full', 16 * MIB],
    ['by its errors', 0],
  ])('noticed %s ends appends, not searches, and heals by itself', async (_, reserveBytes) => {
    await start({ dir: disk, reserveBytes, maxBytes: 1024 * MIB })
    let acked = 0
    let round = 0n
    const next = (): ReturnType<typeof linesOf> => bulk(20_000, NOON + round * 100n * SECOND)
    const unavailable = { code: 'SWARMLOGS_STORE_UNAVAILABLE', message: expect.stringMatching(/^cannot store now: /) }
    for (; ; round++) {
      const result = await store.append(next()).catch((error: unknown) => error)
      if (result instanceof Error) {
        expect(result).toMatchObject(unavailable)
        break
      }
      acked += 20_000
    }
    expect(acked).toBeGreaterThan(0)
    expect(store.status()).toMatchObject({ writable: false, reason: expect.stringMatching(/full|No space|space/) })
    await expect(store.append(next())).rejects.toMatchObject(unavailable)
    const times = (await collect(store)).map((record) => record.time)
    expect(times.length).toBeGreaterThanOrEqual(acked)
    await run('mount', ['-o', 'remount,size=200m', disk])
    const { stored, duplicates } = await store.append(next())
    expect(stored.length + duplicates).toBe(20_000)
    expect(store.status()).toMatchObject({ writable: true, reason: '' })
    expect(await collect(store)).toHaveLength(acked + 20_000)
    await start({ dir: disk })
    expect(await collect(store)).toHaveLength(acked + 20_000)
    expect(store.identity.epoch).toBe(0)
  })

  it('becomes writable again although nobody appends', async () => {
    await start({ dir: disk, reserveBytes: 60 * MIB })
    await expect(store.append([recordOf(WEB)])).rejects.toMatchObject({ code: 'SWARMLOGS_STORE_UNAVAILABLE' })
    await store.runUpkeep()
    expect(store.status().writable).toBe(false)
    await run('mount', ['-o', 'remount,size=200m', disk])
    await store.runUpkeep()
    expect(store.status().writable).toBe(true)
  })
})
