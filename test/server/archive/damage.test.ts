import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { CHUNKS, MANIFEST, MANIFEST_COPY, WORDS } from '../../../server/archive/manifest.ts'
import { ANY_NODE } from '../../../shared/gap.ts'
import { DAY as DAY_NS, linesOf, messages, NOON, queryOf, recordOf, SECOND, streamOf, WEB } from '../store/records.ts'
import { ArchiveScene } from './scene.ts'

const SYSLOG = streamOf('', { service: '', serviceId: '', taskId: '', slot: 0, containerId: '', tag: 'syslog' })
const DAY = new Date(Number(NOON / 1_000_000n)).toISOString().slice(0, 10)
const FOLDER = `${DAY}.1`
const FIRST = `${FOLDER}/lines-00001.parquet`
/** So many characters fill a file: what comes later goes to another one. */
const LONG = 'x'.repeat(1_000_000)
const LINES = [
  ...linesOf(WEB, 34, { message: `first ${LONG}`, time: NOON }),
  ...linesOf(WEB, 3, { message: 'second needle', time: NOON + 100n * SECOND }),
  ...[0, 1].map((ordinal) =>
    recordOf(SYSLOG, { chunk: 'c1', ordinal, time: NOON + 200n * SECOND, message: `foreign ${ordinal}` }),
  ),
  recordOf(WEB, { time: NOON - 86_400n * SECOND, message: 'the day before' }),
]

let scene: ArchiveScene
let flipped: readonly string[] = []
beforeAll(async () => {
  scene = await ArchiveScene.open(LINES)
})
afterEach(async () => {
  for (const name of flipped) await scene.flip(FOLDER, name)
  flipped = []
  scene.logged.length = 0
  await scene.reopen()
  expect(scene.store.status().damaged).toEqual([])
  expect(scene.store.status().records).toBeGreaterThanOrEqual(LINES.length)
})
afterAll(() => scene.close())

async function flip(...names: readonly string[]): Promise<void> {
  flipped = names
  for (const name of names) await scene.flip(FOLDER, name)
}

/** What a look at all files of the day finds. */
async function damaged(): Promise<string[]> {
  const found: string[] = []
  for await (const { name, why } of scene.store.archive.verify(DAY)) if (why !== '') found.push(name)
  return found
}

/** Messages of the day that are not in its first file. */
const needles = () => messages(scene.store, queryOf({}, { grep: 'needle' }))
const rest = () => messages(scene.store, queryOf({ since: NOON + SECOND }))
const REST = ['second needle', 'second needle', 'second needle', 'foreign 0', 'foreign 1']

describe('a flipped byte in the archive', { timeout: 60_000 }, () => {
  it('of lines costs only that file, and is named', async () => {
    const files = (await scene.store.archive.list()).find(({ manifest }) => manifest.day === DAY)?.manifest.files ?? []
    expect(files.length).toBeGreaterThan(1)
    await flip('lines-00001.parquet')
    await scene.reopen()
    expect(await rest()).toEqual(REST)
    // Where it was not needed nobody looked.
    expect(scene.store.status().damaged).toEqual([])
    expect(await messages(scene.store)).toHaveLength(LINES.length - (files[0]?.lines ?? 0))
    expect(await needles()).toHaveLength(3)
    expect(scene.store.status().damaged).toEqual([FIRST])
    expect(scene.logged.join('').split(FIRST)).toHaveLength(2)
    expect(await damaged()).toEqual(['lines-00001.parquet'])
    expect((await scene.store.archive.list())[1]?.damaged).toEqual([FIRST])
    const lines = files[0]?.lines ?? 0
    const gap = { stream: WEB, reason: 'damaged', from: NOON, atLeast: lines, atMost: lines }
    expect(await scene.store.gaps()).toEqual([expect.objectContaining(gap)])
    expect(await scene.store.gaps({ since: NOON + 50n * SECOND })).toEqual([])
  })

  it('is found by looking alone, and its file is left out from then on', async () => {
    expect(await damaged()).toEqual([])
    await flip('lines-00001.parquet')
    expect(await damaged()).toEqual(['lines-00001.parquet'])
    expect(scene.store.status().damaged).toEqual([FIRST])
    expect(await messages(scene.store, queryOf({ until: NOON + 1n }))).toEqual(['the day before'])
  })

  it('of the index of words costs no line', async () => {
    await flip(WORDS)
    await scene.reopen()
    await scene.store.indexed()
    expect(await needles()).toHaveLength(3)
    expect(await rest()).toEqual(REST)
    expect(await damaged()).toEqual([WORDS])
    expect(scene.store.status().damaged).toEqual([`${FOLDER}/${WORDS}`])
  })

  it.each([MANIFEST, MANIFEST_COPY])('of the manifest costs nothing: %s', async (name) => {
    await flip(name)
    expect(await damaged()).toEqual([name])
    expect(scene.store.status().damaged).toEqual([`${FOLDER}/${name}`])
    await scene.reopen()
    expect(await rest()).toEqual(REST)
    expect(await damaged()).toEqual([name])
    expect(scene.store.status().damaged).toEqual([`${FOLDER}/${name}`])
    expect(scene.logged.join('')).toContain(`${FOLDER}/${name}`)
  })

  it('of the manifest and of its copy costs the day, of which nothing is deleted', async () => {
    await flip(MANIFEST, MANIFEST_COPY)
    await scene.reopen()
    expect(await messages(scene.store)).toEqual(['the day before'])
    const both = [MANIFEST, MANIFEST_COPY].map((name) => `${FOLDER}/${name}`)
    expect(scene.store.archive.damaged).toEqual(both)
    expect(scene.store.status().damaged).toEqual(both)
    const from = (NOON / DAY_NS) * DAY_NS
    const gap = { stream: ANY_NODE, reason: 'damaged', from, to: from + DAY_NS - 1n, atLeast: 0 }
    expect(await scene.store.gaps()).toEqual([gap])
    expect(await scene.store.gaps({ since: from + DAY_NS })).toEqual([])
  })

  it('of the chunks costs no line, and lines are still taken', async () => {
    await flip(CHUNKS)
    await scene.reopen()
    const line = recordOf(SYSLOG, { chunk: 'c2', time: NOON + 300n * SECOND, message: 'late' })
    expect((await scene.store.append([line])).stored).toHaveLength(1)
    expect(await rest()).toEqual([...REST, 'late'])
    expect(scene.store.status().damaged).toEqual([`${FOLDER}/${CHUNKS}`])
    expect(scene.logged.join('')).toContain(`${FOLDER}/${CHUNKS}`)
    expect(await damaged()).toEqual([CHUNKS])
  })
})
