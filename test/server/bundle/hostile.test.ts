import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../lab/run.ts'
import { MemoryStore } from '../store/memory.ts'
import { API, linesOf, WEB } from '../store/records.ts'
import { declaring, forge, type Parts, parquet, partsOf } from './forge.ts'
import { Scene } from './scene.ts'

const VERIFY = fileURLToPath(new URL('verify-all.ts', import.meta.url))
const LINES = 'lines/00001.parquet'
const COUNT = 12_345
const MIB = 2 ** 20

let scene: Scene
let whole: Parts
beforeAll(async () => {
  scene = await Scene.open(new MemoryStore(), [...linesOf(WEB, 2000), ...linesOf(API, 2000)])
  await scene.save('whole.slog')
  whole = await partsOf(scene.path('whole.slog'))
  await writeFile(scene.path('lines.parquet'), whole.members.get(LINES) ?? '')
}, 60_000)
afterAll(() => scene.close())

/** What a process of its own finds, and the most memory that it had. */
async function verified(...names: string[]): Promise<{ found: string[]; peak: number }> {
  return JSON.parse(await run(process.execPath, [VERIFY, ...names.map((name) => scene.path(name))]))
}

/** A bundle with other lines, and a manifest that says the same. */
async function withLines(name: string, bytes: Buffer, lines: number): Promise<void> {
  const members = new Map([...whole.members, [LINES, bytes]])
  const told = whole.manifest.members.map((member) => (member.name === LINES ? { ...member, lines } : member))
  await forge(scene.path(name), { members, manifest: { ...whole.manifest, lines, members: told } })
}

const file = (from: string, columns: string) =>
  parquet(scene.path('hostile.parquet'), scene.path('lines.parquet'), from, columns)

describe('a bundle that is put together by somebody else', { timeout: 60_000 }, () => {
  it('is taken when all is right', async () => {
    await forge(scene.path('same.slog'), whole)
    expect((await verified('same.slog')).found).toEqual([''])
  })

  it('is refused in bounded memory when its lines would fill it', async () => {
    await withLines('rows.slog', await file('range(1100000)', "'x' AS message"), 1_100_000)
    await withLines('text.slog', await file('range(6000)', "repeat('x', 100000) AS message"), 6_000)
    const small = await file(`range(${COUNT})`, "'x' AS message")
    await withLines('declared.slog', declaring(small, COUNT, 3_000_000_000), 3_000_000_000)
    await withLines('lying.slog', declaring(small, COUNT, 3_000_000_000), COUNT)
    const { found, peak } = await verified('rows.slog', 'text.slog', 'declared.slog', 'lying.slog')
    expect(found).toEqual(
      [0, 1, 2, 3].map(() => expect.stringContaining(`cannot read ${LINES}: it is larger than any file of swarmlogs`)),
    )
    expect(peak * 1024).toBeLessThan(1024 * MIB)
  })

  it('is refused when a column is none of ours, or its lines are of no stream or time', async () => {
    await withLines('type.slog', await file('range(9)', "'x' AS time"), 9)
    await withLines('stream.slog', await file('range(9)', '4000000 AS stream'), 9)
    await withLines(
      'time.slog',
      await file('range(5000)', 'range * 86400000000000::BIGINT + 700000000000000000 AS time'),
      5_000,
    )
    await withLines('none.slog', Buffer.from('PAR1'), 9)
    const { found } = await verified('type.slog', 'stream.slog', 'time.slog', 'none.slog')
    expect(found).toEqual([
      expect.stringContaining(`cannot read ${LINES}: `),
      expect.stringContaining('it has lines of unknown streams'),
      expect.stringContaining('its lines are of times that no log has'),
      expect.stringContaining(`cannot read ${LINES}: `),
    ])
  })
})

describe('a tar with what no bundle has', { timeout: 60_000 }, () => {
  it('is refused: folders, sparse files, long names of GNU, pax headers, devices, pipes, contiguous files', async () => {
    const types = [...'5SLxg3467']
    for (const type of types)
      await writeFile(scene.path(`type-${type}.slog`), Buffer.concat([head('README.txt', 0, type), Buffer.alloc(1024)]))
    const { found } = await verified(...types.map((type) => `type-${type}.slog`))
    const refusal = "cannot use this bundle: 'README.txt' in it is no plain file"
    expect(found).toEqual(types.map(() => expect.stringContaining(refusal)))
  })

  it('is refused: sizes that are none, or in which the next head would lie within a member', async () => {
    const odd = ['-1', '99999999999', '\x80\0\0\0\x7f\0\0\0\0\0\0\x01', ''].map((size) => head('README.txt', size, '0'))
    for (const [index, bytes] of odd.entries())
      await writeFile(scene.path(`size${index}.slog`), Buffer.concat([bytes, Buffer.alloc(1024)]))
    const { found } = await verified(...odd.map((_, index) => `size${index}.slog`))
    expect(found).toEqual(odd.map(() => expect.stringContaining("'README.txt' in it has no size")))
  })

  it('is refused: more members than any bundle has', async () => {
    const heads = Array.from({ length: 100_200 }, (_, index) => head(`lines/${index}`, 0, '0'))
    await writeFile(scene.path('many.slog'), Buffer.concat([...heads, Buffer.alloc(1024)]))
    const { found, peak } = await verified('many.slog')
    expect(found).toEqual([expect.stringContaining('it has more members than any of ours')])
    expect(peak * 1024).toBeLessThan(1024 * MIB)
  })
})

/** A head of ustar. */
function head(name: string, size: number | string, type: string): Buffer {
  const bytes = Buffer.alloc(512)
  bytes.write(name, 0)
  bytes.write(typeof size === 'string' ? size : `${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  bytes.write('        ', 148)
  bytes.write(type, 156)
  bytes.write('ustar\x0000', 257)
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return bytes
}
