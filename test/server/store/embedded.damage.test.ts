import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, copyFile, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failureOf } from '../../../server/store/embedded/failure.ts'
import { EmbeddedStore } from '../../../server/store/embedded/store.ts'
import { openStore } from '../../../server/store/open.ts'
import type { Store } from '../../../server/store/store.ts'
import type { LogRecord } from '../../../shared/record.ts'
import { collect, DAY, linesOf, messages, NOON, queryOf, recordOf, streamOf } from './records.ts'

const WEB = streamOf('web')
const LINES = 15_000

let root: string
let dir: string
let store: Store | undefined
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'swarmlogs-damage-'))
  dir = join(root, 'store')
})
afterEach(async () => {
  await store?.close()
  store = undefined
  await rm(root, { recursive: true, force: true })
})

async function start(): Promise<Store> {
  store = await openStore({ dir, retentionMs: 30 * 86_400_000, lockWaitMs: 0, log: pino({ level: 'silent' }) })
  return store
}

async function stop(): Promise<void> {
  await store?.close()
  store = undefined
}

/** Three days of lines: the middle one is large enough to have many blocks. */
async function fill(): Promise<void> {
  const opened = await start()
  await opened.append([recordOf(WEB, { time: NOON - 2n * DAY, message: 'before' })])
  await opened.append(daysLines())
  await opened.append([recordOf(WEB, { time: NOON, message: 'after' })])
}

/** Lines whose text does not compress. */
function daysLines(): LogRecord[] {
  return linesOf(WEB, LINES, { time: NOON - DAY }).map((record, index) => ({
    ...record,
    message: `line ${index} ${Math.sin(index)}${Math.cos(index)}${Math.tan(index)}`,
  }))
}

/** File of the segment of the middle day. */
async function middle(): Promise<string> {
  const names = (await readdir(join(dir, 'segments'))).filter((name) => name.endsWith('.duckdb')).sort()
  return join(dir, 'segments', names[1] ?? '')
}

async function flip(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+')
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, position)
  await file.write(Buffer.from([(buffer[0] ?? 0) ^ 0x55]), 0, 1, position)
  await file.close()
}

describe('a segment that is damaged while the server is down', () => {
  const damages: readonly [string, (path: string) => Promise<void>][] = [
    ['a flipped byte in its header', (path) => flip(path, 3)],
    ['a flipped byte in its second header', (path) => flip(path, 8200)],
    ['garbage', (path) => writeFile(path, Buffer.alloc(50_000, 7))],
    ['nothing in it', (path) => truncate(path, 0)],
    ['an end that is missing', async (path) => truncate(path, Math.floor((await stat(path)).size / 3))],
    ['an end in its headers', (path) => truncate(path, 6000)],
  ]
  it.each(damages)('by %s is set aside, all others serve', async (_, damage) => {
    await fill()
    await stop()
    const path = await middle()
    await damage(path)
    const bytes = await readFile(path)
    const opened = await start()
    expect(await messages(opened)).toEqual(['before', 'after'])
    expect(opened.identity.epoch).toBe(1)
    const { damaged, writable, records } = opened.status()
    expect(damaged).toHaveLength(1)
    expect({ writable, records }).toEqual({ writable: true, records: 2 })
    expect(await readFile(join(dir, 'damaged', damaged[0] ?? ''))).toEqual(bytes)
    // What Docker still holds comes again, into a new segment.
    expect((await opened.append(daysLines())).stored).toHaveLength(LINES)
    await stop()
    const again = await start()
    expect(again.identity.epoch).toBe(1)
    expect(again.status()).toMatchObject({ damaged, records: LINES + 2 })
  })

  it('by being deleted counts as lost, and the name is used again', async () => {
    await fill()
    await stop()
    await rm(await middle())
    expect((await start()).identity.epoch).toBe(1)
    await stop()
    expect((await start()).identity.epoch).toBe(1)
  })

  it('is taken when it was only put there', async () => {
    await fill()
    await stop()
    const path = await middle()
    await copyFile(path, join(root, 'copy'))
    await rm(path)
    await start()
    await stop()
    await copyFile(join(root, 'copy'), path)
    expect(await collect(await start())).toHaveLength(LINES + 2)
  })

  it('may be damaged twice under one name', async () => {
    await fill()
    for (let round = 1; round <= 2; round++) {
      await stop()
      await flip(await middle(), 3)
      const opened = await start()
      expect(opened.status().damaged).toHaveLength(round)
      await opened.append(daysLines())
    }
  })
})

describe('a block that proves damaged when it is read', () => {
  /** Flips a byte in each block but the first (those with the tables' description), and starts anew, so that nothing is in memory. */
  async function damageData(): Promise<Store> {
    await fill()
    await stop()
    const path = await middle()
    const { size } = await stat(path)
    for (let block = 2; 12_288 + block * 65_536 < size - 3 * 65_536; block++)
      await flip(path, 12_288 + block * 65_536 + 5000)
    return start()
  }

  it.each(['asc', 'desc'] as const)('does not end a search, %s', async (order) => {
    const opened = await damageData()
    const expected = order === 'asc' ? ['before', 'after'] : ['after', 'before']
    expect(await messages(opened, queryOf({ order }))).toEqual(expected)
    expect(opened.identity.epoch).toBe(1)
    expect(opened.status().damaged).toHaveLength(1)
    expect(await messages(opened, queryOf({ newest: 1 }))).toEqual(['after'])
  })

  it('does not end several searches at a time', async () => {
    const opened = await damageData()
    const answers = await Promise.all([1, 2, 3, 4].map(() => messages(opened, queryOf({}, { grep: 'e' }))))
    for (const answer of answers) expect(answer).toEqual(['before', 'after'])
    expect(opened.identity.epoch).toBe(1)
  })

  it('does not end an append that must look there', async () => {
    const opened = await damageData()
    // Ordinals that are guesses make it read the messages.
    const { stored } = await opened.append(daysLines().map((record) => ({ ...record, headMissing: true })))
    expect(stored).toHaveLength(LINES)
    expect(opened.identity.epoch).toBe(1)
    expect(await collect(opened)).toHaveLength(LINES + 2)
  })
})

describe('a WAL', () => {
  /** Has a child write and be killed, so that its lines are in a WAL; returns the WAL's path and the number of lines. */
  async function leaveWal(): Promise<{ wal: string; lines: number }> {
    const writer = fileURLToPath(new URL('embedded.crash.ts', import.meta.url))
    const child = spawn(process.execPath, [writer, dir, '0', '1000'], { stdio: ['ignore', 'pipe', 'inherit'] })
    let lines = 0
    child.stdout.on('data', (data: Buffer) => {
      lines = Number(data.toString().trim().split('\n').at(-1))
      if (lines >= 1500) child.kill('SIGKILL')
    })
    await once(child, 'close')
    return {
      wal: join(dir, 'segments', `${new Date(Number(NOON / 1_000_000n)).toISOString().slice(0, 10)}.0.duckdb.wal`),
      lines,
    }
  }

  it('that ends in zeros, as after a power cut, loses nothing', async () => {
    const { wal, lines } = await leaveWal()
    await appendFile(wal, Buffer.alloc(5000))
    const opened = await start()
    expect((await collect(opened)).length).toBeGreaterThanOrEqual(lines)
    expect(opened.identity.epoch).toBe(0)
    expect(opened.status().damaged).toEqual([])
  })

  it.each<[string, (wal: string, size: number) => Promise<void>]>([
    ['in its middle', (wal, size) => flip(wal, Math.floor(size / 2))],
    ['in its first bytes', (wal) => flip(wal, 2)],
    ['in the length of its header', (wal) => flip(wal, 8)],
    ['in the rest of its header', (wal) => flip(wal, 30)],
    ['by garbage', (wal) => writeFile(wal, Buffer.alloc(50_000, 7))],
  ])('that is damaged %s is kept, and what is before serves', async (_, damage) => {
    const { wal, lines } = await leaveWal()
    await damage(wal, (await stat(wal)).size)
    const bytes = await readFile(wal)
    const opened = await start()
    const found = await collect(opened)
    expect(found.length).toBeGreaterThanOrEqual(lines / 2)
    expect(found.length).toBeLessThan(lines)
    expect(opened.identity.epoch).toBe(1)
    const { damaged } = opened.status()
    expect(damaged).toHaveLength(1)
    expect(await readFile(join(dir, 'damaged', damaged[0] ?? ''))).toEqual(bytes)
    await opened.append([recordOf(WEB, { message: 'goes on' })])
    await stop()
    expect((await start()).identity.epoch).toBe(1)
  })
})

describe('the catalog', () => {
  it('that is damaged is made anew, with a new identity, over the same segments', async () => {
    await fill()
    const { id } = store?.identity ?? {}
    await stop()
    await flip(join(dir, 'catalog.duckdb'), 3)
    const opened = await start()
    expect(opened.identity.id).not.toBe(id)
    expect(await collect(opened)).toHaveLength(LINES + 2)
    expect(opened.status().damaged).toEqual(['catalog.duckdb'])
  })
})

describe('a newer store', () => {
  it('by the format of its catalog is refused and left as it is', async () => {
    await fill()
    await stop()
    const instance = await DuckDBInstance.create(join(dir, 'catalog.duckdb'))
    const connection = await instance.connect()
    await connection.run("UPDATE meta SET value = '3' WHERE name = 'format'")
    connection.closeSync()
    instance.closeSync()
    const before = await snapshot()
    await expect(start()).rejects.toMatchObject({
      code: 'SWARMLOGS_STORE_NEWER',
      message: expect.stringMatching(/^cannot open .* format is 3/),
    })
    expect(await snapshot()).toEqual(before)
  })

  it.each([
    'IO Error: Trying to read a database file with version number 99, but we can only read versions between 64 and 67.',
    'IO Error: Error opening "x": file was written with a storage version greater than the latest version supported by this DuckDB instance.',
    'Invalid Input Error: Error opening "x": cannot initialize database with storage version 6 - which is lower than what the database itself uses (7).',
  ])('of the engine is told from a damaged one: %s', (message) => {
    expect(failureOf(new Error(message))).toBe('newer')
  })

  async function snapshot(): Promise<Map<string, Buffer>> {
    const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    const contents = new Map<string, Buffer>()
    for (const file of files) contents.set(file.name, await readFile(join(file.parentPath, file.name)))
    return contents
  }
})

describe('the engine', () => {
  it('can be started anew while searches and appends go on', async () => {
    await fill()
    const opened = await EmbeddedStore.open({
      dir: join(root, 'other'),
      retentionMs: 30 * 86_400_000,
      log: pino({ level: 'silent' }),
    })
    try {
      const { received } = await opened.append(linesOf(WEB, 5000))
      const reading = collect(opened).catch((error: unknown) => error)
      const writing = Promise.allSettled([1, 2, 3].map((round) => opened.append(linesOf(streamOf(`w${round}`), 5000))))
      await opened.recover()
      const results = await writing
      const stored = results.filter((result) => result.status === 'fulfilled').length
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'SWARMLOGS_STORE_UNAVAILABLE' })
      }
      const found = await reading
      if (!Array.isArray(found)) expect(found).toMatchObject({ code: 'SWARMLOGS_STORE_UNAVAILABLE' })
      expect(await collect(opened)).toHaveLength(5000 + stored * 5000)
      expect((await opened.append([recordOf(WEB, { time: NOON - 1n })])).received).toBeGreaterThan(received)
      expect(opened.status()).toMatchObject({ writable: true, reason: '' })
    } finally {
      await opened.close()
    }
  })
})
