import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { folderOf } from '../../../server/mirror/names.ts'
import { formatTime } from '../../../shared/time.ts'
import { MemoryStore } from '../store/memory.ts'
import { API, DAY, linesOf, NOON, recordOf, SECOND, streamOf, WEB } from '../store/records.ts'
import { lineCountsIn, type OpenOptions, openMirror, textsIn } from './open.ts'

const YESTERDAY = formatTime(NOON).slice(0, 10)
const TODAY = formatTime(NOON + DAY).slice(0, 10)
const TOMORROW_MS = Number((NOON + 2n * DAY) / 1_000_000n)

let dir: string
let store: MemoryStore
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'swarmlogs-mirror-'))
  store = new MemoryStore()
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const open = (options: OpenOptions = {}) => openMirror(dir, store, options)
const files = () => textsIn(dir)
const lineCounts = () => lineCountsIn(dir)

describe('the mirror', () => {
  it('has a file for each service and day, with lines as docker service logs -t prints them', async () => {
    await store.append([
      recordOf(WEB, { message: 'GET /' }),
      recordOf(WEB, { time: NOON + DAY, message: 'two\nlines' }),
      recordOf(API, { time: 5n, message: 'before 1990' }),
    ])
    const mirror = await open()
    await mirror.catchUp()
    const [arrived = ''] = (await readdir(join(dir, 'shop_api'))).map((name) => name.slice(0, 10))
    expect(await files()).toEqual({
      [`shop_api/${arrived}.log`]: '1970-01-01T00:00:00.000000005Z shop_api.1.task-api@worker-0    | before 1990\n',
      [`shop_web/${YESTERDAY}.log`]: `${formatTime(NOON)} shop_web.1.task-web@worker-1    | GET /\n`,
      [`shop_web/${TODAY}.log`]: ['two', 'lines']
        .map((text) => `${formatTime(NOON + DAY)} shop_web.1.task-web@worker-1    | ${text}\n`)
        .join(''),
    })
  })

  it('goes on after a stop where it was', async () => {
    for (let round = 0; round < 3; round++) {
      await store.append(linesOf(WEB, 10, { time: NOON + BigInt(round) * SECOND }))
      const mirror = await open()
      mirror.start()
      while ((await lineCounts())[`shop_web/${YESTERDAY}.log`] !== 10 * (round + 1)) await new Promise(setImmediate)
      await mirror.close()
    }
    const lines = (await files())[`shop_web/${YESTERDAY}.log`]?.split('\n') ?? []
    expect(new Set(lines).size).toBe(31)
  })

  it('has each line once after a crash, whatever was written and not noted', async () => {
    await store.append(linesOf(WEB, 10))
    const noted = await open()
    await noted.catchUp()
    await noted.note()
    // A second one writes more, in old and new files, and is gone without a word.
    await store.append([...linesOf(WEB, 5, { time: NOON + SECOND }), ...linesOf(API, 5)])
    await (await open()).catchUp()
    await appendFile(join(dir, 'shop_web', `${YESTERDAY}.log`), 'half a li')
    const again = await open()
    await again.catchUp()
    expect(await lineCounts()).toEqual({ [`shop_api/${YESTERDAY}.log`]: 5, [`shop_web/${YESTERDAY}.log`]: 15 })
    expect((await files())[`shop_web/${YESTERDAY}.log`]).not.toContain('half')
  })

  it('packs past days, gives late lines a file of their own, and loses nothing when it is killed on the way', async () => {
    await store.append(linesOf(WEB, 10))
    const mirror = await open()
    await mirror.catchUp()
    await mirror.tidy(TOMORROW_MS)
    expect(Object.keys(await files())).toEqual([`shop_web/${YESTERDAY}.log`])
    await mirror.tidy(TOMORROW_MS, 0)
    await store.append(linesOf(WEB, 5, { time: NOON + SECOND }))
    await mirror.catchUp()
    await mirror.note()
    // It was noted that the file is finished, and it is not packed yet.
    const state = JSON.parse(await readFile(join(dir, '.swarmlogs-mirror.json'), 'utf8'))
    await writeFile(
      join(dir, '.swarmlogs-mirror.json'),
      JSON.stringify({ ...state, parts: [], finished: [`shop_web/${YESTERDAY}.2.log`] }),
    )
    const again = await open()
    await again.tidy(TOMORROW_MS, 0)
    expect(await lineCounts()).toEqual({ [`shop_web/${YESTERDAY}.2.log.gz`]: 5, [`shop_web/${YESTERDAY}.log.gz`]: 10 })
  })

  it('begins a new file when one is full, and deletes the oldest when all are too much', async () => {
    const mirror = await open({ maxFileBytes: 500, maxBytes: 400 })
    for (let round = 0; round < 6; round++) {
      await store.append(linesOf(WEB, 10, { time: NOON + (BigInt(round) * DAY) / 2n }))
      await mirror.catchUp()
      await mirror.tidy(Number(NOON / 1_000_000n), 0)
    }
    const names = Object.keys(await files())
    expect(names.length).toBeGreaterThan(1)
    expect(names).not.toContain(`shop_web/${YESTERDAY}.log.gz`)
    expect(names.every((name) => name.endsWith('.gz'))).toBe(true)
  })

  it('has each line once, whatever is done to it in whatever order', async () => {
    const step = fc.constantFrom('append', 'late', 'catchUp', 'note', 'tidy', 'pack', 'crash')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        await rm(dir, { recursive: true, force: true })
        store = new MemoryStore()
        let number = 0
        let mirror = await open({ maxFileBytes: 2_000 })
        const lines = (days: bigint) =>
          [WEB, API].map((stream) =>
            recordOf(stream, { time: NOON + days * DAY, ordinal: number, message: `line ${number++}` }),
          )
        for (const one of [...steps, 'crash', 'catchUp'] as const) {
          if (one === 'append') await store.append([...lines(0n), ...lines(1n)])
          if (one === 'late') await store.append(lines(-1n))
          if (one === 'catchUp') await mirror.catchUp()
          if (one === 'note') await mirror.note()
          if (one === 'tidy') await mirror.tidy(TOMORROW_MS)
          if (one === 'pack') await mirror.tidy(TOMORROW_MS, 0)
          if (one === 'crash') mirror = await open({ maxFileBytes: 2_000 })
        }
        const found = Object.values(await files()).flatMap((text) => text.split('\n').filter(Boolean))
        expect(found.map((line) => Number(line.split(' line ')[1])).sort((a, b) => a - b)).toEqual([
          ...Array(number).keys(),
        ])
      }),
      { numRuns: 40 },
    )
  })

  it('leaves alone what is none of its own, and follows no link', async () => {
    await mkdir(join(dir, 'shop_web'))
    await writeFile(join(dir, 'shop_web', 'notes.txt'), 'mine')
    await writeFile(join(dir, 'outside'), 'secret')
    await store.append(linesOf(WEB, 1))
    await (await open()).catchUp()
    await rm(join(dir, 'shop_web', `${YESTERDAY}.log`))
    await symlink(join(dir, 'outside'), join(dir, 'shop_web', `${YESTERDAY}.log`))
    const mirror = await open()
    await mirror.catchUp().catch(() => {})
    expect(await readFile(join(dir, 'outside'), 'utf8')).toBe('secret')
    expect(await readFile(join(dir, 'shop_web', 'notes.txt'), 'utf8')).toBe('mine')
  })

  it('says that a folder cannot be used', async () => {
    await writeFile(join(dir, '.swarmlogs-mirror.json'), '{"format":9}')
    await expect(open()).rejects.toThrow(/^cannot use the folder '.*' of --mirror: the folder is of another version/)
  })

  it.each([
    ['shop_web', /^shop_web$/],
    ['../../etc', /^etc@[0-9a-f]{8}$/],
    ['.hidden', /^hidden@[0-9a-f]{8}$/],
    ['a/b c', /^a_b_c@[0-9a-f]{8}$/],
    ['x'.repeat(300), /^x{120}@[0-9a-f]{8}$/],
  ])('keeps the service %s in a folder of its own', (service, folder) => {
    expect(folderOf(streamOf('', { service }))).toMatch(folder)
  })
})
