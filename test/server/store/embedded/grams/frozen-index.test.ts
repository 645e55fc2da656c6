import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { unpack } from '../../../../../server/bundle/cache.ts'
import { Bundle } from '../../../../../server/bundle/read.ts'
import { FrozenStore } from '../../../../../server/store/embedded/frozen.ts'
import { segmentsOf } from '../../../../../server/store/embedded/parquet/thaw.ts'
import { Scene } from '../../../bundle/scene.ts'
import { MemoryStore } from '../../memory.ts'
import { collect, linesOf, queryOf, streamOf, WEB } from '../../records.ts'

const LINES = 25_000
let scene: Scene
let dir: string
beforeAll(async () => {
  const lines = linesOf(WEB, LINES).map((line, index) => ({ ...line, message: `${line.message} w${index}x` }))
  scene = await Scene.open(new MemoryStore(), lines)
  await scene.save('a.slog')
  const bundle = await Bundle.open(scene.path('a.slog'))
  dir = (await unpack(bundle, scene.cacheDir)).dir
  await bundle.close()
}, 60_000)
afterAll(() => scene.close())

async function open(): Promise<FrozenStore> {
  const tempDir = await mkdtemp(join(tmpdir(), 'swarmlogs-frozen-'))
  const store = await FrozenStore.open({
    ...{ dir, tempDir, identity: { id: 'x', epoch: 1 }, lastReceived: 2n ** 62n, begins: undefined },
    ...{ gaps: [], values: {}, others: [{ stream: streamOf('other'), records: 0, first: 0n, last: 0n }], damaged: [] },
  })
  onTestFinished(async () => {
    await store.close()
    await rm(tempDir, { recursive: true, force: true })
  })
  return store
}

const found = async (store: FrozenStore, grep: string): Promise<string[]> =>
  (await collect(store, queryOf({}, { grep }))).map(({ message }) => message)

it('is made for a bundle that stays open, finds the same, and is there for whoever opens it later', async () => {
  const words = ['w777x', 'W24999X', 'w9x', 'nowhere', 'line 1234']
  const first = await open()
  const before = await Promise.all(words.map((word) => found(first, word)))
  expect(before.map(({ length }) => length > 0)).toEqual([true, true, true, false, true])
  expect((await readdir(segmentsOf(dir))).some((name) => name.endsWith('.grams'))).toBe(false)
  await first.index()
  expect(await Promise.all(words.map((word) => found(first, word)))).toEqual(before)
  expect((await readdir(segmentsOf(dir))).filter((name) => name.endsWith('.grams')).length).toBe(1)
  const second = await open()
  expect(await Promise.all(words.map((word) => found(second, word)))).toEqual(before)
  // What two make of the same lines is the same: the slower one leaves it as it is.
  await second.index()
  // It goes on when somebody removes the folder.
  await rm(dir, { recursive: true })
  expect(await Promise.all(words.map((word) => found(second, word)))).toEqual(before)
})
