import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OwnCommits } from '../../../server/commits.ts'
import { Live } from '../../../server/live.ts'
import { MirrorFiles } from '../../../server/mirror/files.ts'
import { formatTime } from '../../../shared/time.ts'
import { MemoryStore } from '../store/memory.ts'
import { API, DAY, linesOf, NOON, SECOND, WEB } from '../store/records.ts'
import { lineCountsIn, type OpenOptions, openMirror } from './open.ts'

const dayName = (days: bigint) => formatTime(NOON + days * DAY).slice(0, 10)
const STATE = '.swarmlogs-mirror.json'

let dir: string
let store: MemoryStore
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'swarmlogs-mirror-'))
  store = new MemoryStore()
})
afterEach(() => rm(dir, { recursive: true, force: true }))
const open = (options: OpenOptions = {}) => openMirror(dir, store, options)
const lineCounts = () => lineCountsIn(dir)

/** A log that keeps what it is told. */
function told() {
  const messages: string[] = []
  const write = (line: string) => messages.push(JSON.parse(line).msg)
  return { messages, log: pino({}, { write }) }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate)
}

describe('the bounds of a mirror', () => {
  it('hold while it catches up: past days are packed, the oldest go, and each line is there once', async () => {
    for (let days = -9n; days <= 0n; days++) await store.append(linesOf(WEB, 1_000, { time: NOON + days * DAY }))
    const mirror = await open({ maxBytes: 100_000 })
    await mirror.catchUp()
    const counts = await lineCounts()
    expect(counts).not.toHaveProperty([`shop_web/${dayName(-9n)}.log.gz`])
    expect(counts).toMatchObject({ [`shop_web/${dayName(-1n)}.log.gz`]: 1_000, [`shop_web/${dayName(0n)}.log`]: 1_000 })
  })

  it('leave out lines that are older than files are kept', async () => {
    await store.append([...linesOf(WEB, 3, { time: NOON - 40n * DAY }), ...linesOf(WEB, 2)])
    const mirror = await open()
    await mirror.catchUp()
    expect(await lineCounts()).toEqual({ [`shop_web/${dayName(0n)}.log`]: 2 })
  })

  it('stop it before the disk is full, tell so once, and let it go on when there is room', async () => {
    await store.append(linesOf(WEB, 2_500))
    const { messages, log } = told()
    let free = [2 ** 30, 2 ** 20]
    const mirror = await open({ log, freeBytes: async () => (free.length > 1 ? free.shift() : free[0]) ?? 0 })
    await mirror.catchUp()
    await mirror.catchUp()
    expect(await lineCounts()).toEqual({ [`shop_web/${dayName(0n)}.log`]: 1_000 })
    expect(messages.filter((text) => text.includes('disk is full: make room'))).toHaveLength(1)
    free = [2 ** 30]
    await mirror.catchUp()
    expect(messages.at(-1)).toBe('the mirror is written again')
    expect(Object.values(await lineCounts()).reduce((sum, count) => sum + count)).toBe(2_500)
  })
})

describe('the folder of a mirror', () => {
  it('is refused when there are log files of others in it, which stay', async () => {
    await mkdir(join(dir, 'nginx'))
    await writeFile(join(dir, 'nginx', `${dayName(0n)}.log`), 'mine')
    await expect(open()).rejects.toMatchObject({
      code: 'SWARMLOGS_CONFIG',
      message: expect.stringMatching(/^cannot use .*: there are log files of others in it; name an empty folder$/),
    })
    expect(await readdir(join(dir, 'nginx'))).toEqual([`${dayName(0n)}.log`])
  })

  it('may get files of others later, which stay and do not count', async () => {
    await (await open()).note()
    await mkdir(join(dir, 'nginx'))
    for (const name of ['2001-01-01.log.gz', '2001-01-02.log']) await writeFile(join(dir, 'nginx', name), 'mine')
    const mirror = await open({ maxBytes: 1 })
    await mirror.tidy()
    expect(await readdir(join(dir, 'nginx'))).toHaveLength(2)
  })

  it('loses the folders of services that have no files any more', async () => {
    const files = new MirrorFiles(dir)
    for (const folder of ['shop_api', 'shop_web']) {
      await files.begin(folder, '2026-01-01')
      await files.append(folder, '2026-01-01', 'line\n')
    }
    files.finish('2026-01-02', 0)
    await writeFile(join(dir, 'shop_web', 'notes.txt'), 'mine')
    await files.shrink(0, '2026-01-02')
    await files.shrink(0, '2026-01-02')
    expect([await readdir(dir), files.folders]).toEqual([['shop_web'], ['shop_web']])
  })

  it('may have folders that cannot be read', async () => {
    const files = new MirrorFiles(dir)
    await files.restore({ parts: new Map(), finished: [], folders: ['lost+found'] })
    // Root reads every folder: one that is no folder fails as well.
    await writeFile(join(dir, 'lost+found'), '')
    expect(await files.shrink(0, '9999')).toEqual([])
  })
})

describe('a mirror', () => {
  it('waits for commits of a server that is out of reach', async () => {
    await store.append(linesOf(WEB, 2))
    const own = new OwnCommits(store, new Live())
    let doubtAfter: bigint | undefined = store.lastReceived
    const commits = {
      get lastReceived() {
        return store.lastReceived
      },
      get doubtAfter() {
        return doubtAfter
      },
      append: own.append.bind(own),
      reach: own.reach.bind(own),
      join: own.join.bind(own),
    }
    await store.append(linesOf(API, 3))
    const mirror = await open({ commits })
    await mirror.catchUp()
    expect(await lineCounts()).toEqual({ [`shop_web/${dayName(0n)}.log`]: 2 })
    doubtAfter = undefined
    await mirror.catchUp()
    expect(await lineCounts()).toMatchObject({ [`shop_api/${dayName(0n)}.log`]: 3 })
  })

  it('writes and notes nothing before it could go back to what was noted', async () => {
    await store.append(linesOf(WEB, 2_500))
    const { messages, log } = told()
    const mirror = await open({ log, retryMs: 1 })
    const search = store.search.bind(store)
    let searches = 0
    store.search = async function* (query, signal) {
      searches++
      for await (const records of search(query, signal)) {
        yield records
        await writeFile(join(dir, STATE), 'broken')
        throw new Error('the store is away')
      }
    }
    mirror.start()
    await until(() => messages.length >= 5)
    await mirror.close()
    expect(searches).toBe(1)
    expect(await readFile(join(dir, STATE), 'utf8')).toBe('broken')
  })

  it('goes back after an error and has each line once', async () => {
    await store.append(linesOf(WEB, 2_500))
    const search = store.search.bind(store)
    const { messages, log } = told()
    const mirror = await open({ log, retryMs: 1 })
    let failures = 3
    store.search = async function* (query, signal) {
      for await (const records of search(query, signal)) {
        yield records
        if (failures-- > 0) throw new Error('the store is away')
      }
    }
    mirror.start()
    await until(async () => Object.values(await lineCounts()).reduce((sum, count) => sum + count, 0) >= 2_500)
    await mirror.close()
    expect(messages.filter((text) => text.includes('trying again'))).toHaveLength(3)
    expect(await lineCounts()).toEqual({ [`shop_web/${dayName(0n)}.log`]: 2_500 })
  })

  it('stops packing when it is closed, and packs that file later', async () => {
    await store.append([...linesOf(WEB, 10), ...linesOf(API, 10, { time: NOON + SECOND })])
    const mirror = await open()
    await mirror.catchUp()
    await mirror.close()
    const tomorrowMs = Number((NOON + DAY) / 1_000_000n)
    await mirror.tidy(tomorrowMs, 0)
    expect(Object.keys(await lineCounts())).toEqual([`shop_api/${dayName(0n)}.log`, `shop_web/${dayName(0n)}.log`])
    await (await open()).tidy(tomorrowMs, 0)
    expect(Object.keys(await lineCounts())).toEqual([
      `shop_api/${dayName(0n)}.log.gz`,
      `shop_web/${dayName(0n)}.log.gz`,
    ])
  })

  it('stops in the middle of a file, of which nothing half is left', async () => {
    await mkdir(join(dir, 'shop_web'))
    await writeFile(join(dir, 'shop_web', '2026-01-01.log'), 'x\n')
    const files = new MirrorFiles(dir)
    await files.restore({ parts: new Map(), finished: ['shop_web/2026-01-01.log'], folders: ['shop_web'] })
    const stop = new AbortController()
    const packed = files.pack(stop.signal)
    stop.abort()
    await packed
    expect([await readdir(join(dir, 'shop_web')), files.finished]).toEqual([
      ['2026-01-01.log'],
      ['shop_web/2026-01-01.log'],
    ])
  })
})
