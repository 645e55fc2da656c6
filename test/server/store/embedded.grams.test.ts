import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { messageMatches } from '../../../server/query/filter.ts'
import type { Query } from '../../../server/query/query.ts'
import { type Block, GramFile } from '../../../server/store/embedded/grams/file.ts'
import { EmbeddedStore } from '../../../server/store/embedded/store.ts'
import type { LogRecord } from '../../../shared/record.ts'
import { ALL, collect, DAY, linesOf, NOON, queryOf, streamOf } from './records.ts'

const WEB = streamOf('web')
const LINES = 22_000
const BLOCK = 10_240
const TEXTS = [
  ...[
    'Failed',
    'failed password',
    'FAILED',
    'rare needle',
    'İzmir',
    'kelvin',
    'end of the line',
    'id=17c1',
    '0badcafe0badcafe',
  ],
  ...['line 20471', 'no line has this', 'of line 21999'],
]

let root: string
let dir: string
let store: EmbeddedStore | undefined
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'swarmlogs-grams-'))
  dir = join(root, 'store')
})
afterEach(async () => {
  await store?.close()
  store = undefined
  await rm(root, { recursive: true, force: true })
})

async function start(): Promise<EmbeddedStore> {
  await store?.close()
  const options = { retentionMs: 30 * 86_400_000, lockWaitMs: 0, log: pino({ level: 'silent' }) }
  store = await EmbeddedStore.open({ dir, ...options })
  return store
}

/** Lines of a day, some of them of their own kind. */
function lines(kind = 'plain'): LogRecord[] {
  return linesOf(WEB, LINES, { time: NOON - DAY }).map((record, index) => ({
    ...record,
    message: messageOf(index, kind),
  }))
}

function messageOf(index: number, kind: string): string {
  if (index === 15_000) return `a RARE needle of İZMİR at 300 \u212aelvin, ${'x'.repeat(9_000)} end of the line`
  if (index === 19_001) return 'key 0badcafe0badcafe was not found'
  if (index % 3_000 === 0) return `${index % 2_000 === 0 ? 'Failed' : 'FAILED'} password`
  return `${kind} id=${(index * 7_919).toString(16)} of line ${index}`
}

async function filled(kind?: string): Promise<EmbeddedStore> {
  const opened = await start()
  const all = lines(kind)
  for (let at = 0; at < all.length; at += 4_000) await opened.append(all.slice(at, at + 4_000))
  await opened.indexed()
  return opened
}

/** The same after a restart, when nothing is awaited for that day any more. */
async function settled(kind?: string): Promise<EmbeddedStore> {
  await filled(kind)
  const again = await start()
  await again.indexed()
  return again
}

async function gramFile(): Promise<string> {
  const folder = join(dir, 'segments')
  return join(folder, (await readdir(folder)).find((name) => name.endsWith('.grams')) ?? 'none')
}

async function expectRight(opened: EmbeddedStore, kind?: string): Promise<void> {
  const all = lines(kind)
  for (const grep of TEXTS) {
    const filter = { ...ALL, grep }
    const expected = all.filter(({ message }) => messageMatches(filter, message)).map(({ time }) => time)
    const times = async (query: Partial<Query>) =>
      (await collect(opened, queryOf(query, { grep }))).map(({ time }) => time)
    expect(await opened.count({ filter }), grep).toBe(expected.length)
    expect(await times({ order: 'asc' }), grep).toEqual(expected)
    expect(await times({ order: 'desc', limit: 3 }), grep).toEqual(expected.slice(-3).reverse())
    expect(await times({ order: 'asc', newest: 2 }), grep).toEqual(expected.slice(-2))
  }
}

describe('the index of words', () => {
  it('has searches find what is there, and only looks where it can be', async () => {
    await expectRight(await filled())
    const opened = await settled()
    const bytes = (await stat(await gramFile())).size
    expect(bytes).toBeGreaterThan(0)
    expect(opened.status().records).toBe(LINES)
    await opened.runUpkeep()
    const sizes = await Promise.all(
      (await readdir(join(dir, 'segments'))).map((name) => stat(join(dir, 'segments', name))),
    )
    expect(opened.status().bytes).toBe(sizes.reduce((sum, { size }) => sum + size, 0))
    await expectRight(opened)
    await expectRight(await start())
    expect((await stat(await gramFile())).size).toBe(bytes)
  })

  it('is what searches go by', async () => {
    await (await filled()).close()
    expect(await emptied()).toEqual([BLOCK, 2 * BLOCK])
    const again = await start()
    await again.indexed()
    expect(await again.count({ filter: { ...ALL, grep: '0badcafe0badcafe' } })).toBe(0)
    expect(await again.count({ filter: { ...ALL, grep: 'of line 21999' } })).toBe(1)
  })

  it('has the last lines of a day that is over, too, and those behind them are found', async () => {
    await (await settled()).close()
    expect(await emptied()).toEqual([BLOCK, 2 * BLOCK, LINES])
    const again = await start()
    await again.indexed()
    const count = (grep: string) => again.count({ filter: { ...ALL, grep } })
    expect(await count('of line 21999')).toBe(0)
    const [late] = linesOf(WEB, 1, { time: NOON - DAY + 3_600_000_000_000n })
    await again.append(late === undefined ? [] : [{ ...late, message: 'of line 21999, too' }])
    expect(await count('of line 21999')).toBe(1)
    await again.close()
    const last = await start()
    await last.indexed()
    expect(await last.count({ filter: { ...ALL, grep: 'of line 21999' } })).toBe(1)
    await last.close()
    expect(await emptied()).toEqual([BLOCK, 2 * BLOCK, LINES, LINES + 1])
  })

  it.each([
    ['is missing', async (file: string) => rm(file)],
    [
      'has a flipped bit',
      async (file: string) =>
        change(file, (bytes) => bytes.with(50_000 % bytes.length, (bytes[50_000 % bytes.length] ?? 0) ^ 4)),
    ],
    ['is torn', async (file: string) => change(file, (bytes) => bytes.subarray(0, bytes.length - 100))],
    ['is of another format', async (file: string) => change(file, (bytes) => bytes.with(0, 9))],
    ['is garbage', async (file: string) => writeFile(file, 'garbage'.repeat(1_000))],
    ['is empty', async (file: string) => writeFile(file, '')],
  ])('is made anew when it %s', async (_, damage) => {
    await (await settled()).close()
    const file = await gramFile()
    const whole = await readFile(file)
    await damage(file)
    const opened = await start()
    expect(await opened.count({ filter: { ...ALL, grep: 'Failed' } })).toBe(7)
    await opened.indexed()
    expect((await readFile(file)).equals(whole)).toBe(true)
  })

  it('is not taken for that of other lines', async () => {
    await (await settled()).close()
    const file = await gramFile()
    await copyFile(file, join(root, 'kept'))
    await rm(dir, { recursive: true })
    await (await settled('other')).close()
    await copyFile(join(root, 'kept'), await gramFile())
    const opened = await start()
    await opened.indexed()
    await expectRight(opened, 'other')
  })

  it('goes with its segment', async () => {
    const opened = await filled()
    await opened.append(linesOf(WEB, 10, { time: NOON }))
    await opened.runUpkeep(Date.now() + 29 * 86_400_000 + 43_200_000)
    await expect.poll(async () => (await readdir(join(dir, 'segments'))).length, { timeout: 10_000 }).toBeLessThan(3)
    expect((await readdir(join(dir, 'segments'))).filter((name) => name.endsWith('.grams'))).toEqual([])
  })
})

/** Makes the signatures those of lines without any text; tells where their blocks end. */
async function emptied(): Promise<number[]> {
  const file = new GramFile(await gramFile())
  await file.load(
    async () => true,
    async () => {},
  )
  const blocks: readonly Block[] = file.blocks
  await rm(file.path)
  file.forget()
  for (const block of blocks)
    await file.append(block, { signature: new Uint8Array(64), capitals: [] }, new Uint8Array())
  return blocks.map(({ to }) => to)
}

async function change(file: string, how: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  await writeFile(file, how(new Uint8Array(await readFile(file))))
}
