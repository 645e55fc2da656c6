import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type CacheBounds, unpack } from '../../../server/bundle/cache.ts'
import { Bundle } from '../../../server/bundle/read.ts'
import { MemoryStore } from '../store/memory.ts'
import { linesOf, WEB } from '../store/records.ts'
import { Scene } from './scene.ts'

const MIB = 2 ** 20

let scene: Scene
let cacheDir: string
beforeAll(async () => {
  scene = await Scene.open(new MemoryStore(), linesOf(WEB, 100))
  await scene.save('a.slog')
}, 60_000)
afterAll(() => scene.close())

let runs = 0
/** Folders of 10 MiB, the last one used last, hours ago. */
beforeEach(async () => {
  cacheDir = scene.path(`cache-${runs++}`)
  for (const [index, name] of ['1-oldest', '1-older', '1-old', 'spill-old', 'spill-new'].entries()) {
    await mkdir(`${cacheDir}/${name}/segments`, { recursive: true })
    await writeFile(`${cacheDir}/${name}/segments/x`, Buffer.alloc(10 * MIB, 1))
    const used = new Date(Date.now() - (5 - index) * 3_600_000)
    await utimes(`${cacheDir}/${name}`, used, used)
  }
  const longAgo = new Date(Date.now() - 2 * 86_400_000)
  await utimes(`${cacheDir}/spill-old`, longAgo, longAgo)
})

async function kept(bounds?: CacheBounds): Promise<string[]> {
  const bundle = await Bundle.open(scene.path('a.slog'))
  const { dir } = await unpack(bundle, cacheDir, bounds)
  await bundle.close()
  const own = dir.slice(cacheDir.length + 1)
  return (await readdir(cacheDir)).map((name) => (name === own ? 'own' : name)).sort()
}

it('keeps what was unpacked before, but for what a killed process left long ago', async () => {
  expect(await kept()).toEqual(['1-old', '1-older', '1-oldest', 'own', 'spill-new'])
})

it('keeps no more than so many bundles, those that were used last', async () => {
  expect(await kept({ bundles: 2, bytes: 1000 * MIB })).toEqual(['1-old', 'own', 'spill-new'])
})

it('keeps no more than so many bytes, and the bundle that is asked whatever its size', async () => {
  expect(await kept({ bundles: 8, bytes: 25 * MIB })).toEqual(['1-old', '1-older', 'own', 'spill-new'])
  expect(await kept({ bundles: 8, bytes: 1 })).toEqual(['own', 'spill-new'])
})
