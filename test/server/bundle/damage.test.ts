import { readdir, readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unpack } from '../../../server/bundle/cache.ts'
import { type Manifest, parseManifest } from '../../../server/bundle/manifest.ts'
import { Bundle } from '../../../server/bundle/read.ts'
import { readTar, type TarMember } from '../../../server/bundle/tar.ts'
import { verifyBundle } from '../../../server/bundle/verify.ts'
import { MemoryStore } from '../store/memory.ts'
import { API, linesOf, WEB } from '../store/records.ts'
import { Scene } from './scene.ts'

let scene: Scene
let whole: Buffer
let members: ReadonlyMap<string, TarMember>

beforeAll(async () => {
  scene = await Scene.open(new MemoryStore(), [...linesOf(WEB, 6000), ...linesOf(API, 6000)])
  await scene.save('whole.slog', { fileLines: 2_000 })
  whole = await readFile(scene.path('whole.slog'))
  members = new Map((await readTar(scene.path('whole.slog'), () => true)).map((member) => [member.name, member]))
}, 60_000)
afterAll(() => scene.close())

const memberOf = (name: string): TarMember => {
  const member = members.get(name)
  if (member === undefined) throw new Error(`no ${name} in ${[...members.keys()]}`)
  return member
}

/** Writes a copy of the bundle with something done to its bytes. */
async function changed(name: string, change: (bytes: Buffer) => Buffer | undefined): Promise<string> {
  const copy = Buffer.from(whole)
  await writeFile(scene.path(name), change(copy) ?? copy)
  return scene.path(name)
}

/** Makes the sum of a tar head right again. */
function reseal(bytes: Buffer, at: number): void {
  bytes.write('        ', at + 148)
  const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148)
}

describe('a bundle', () => {
  it('has files of a bounded number of lines, and a right sum for each', async () => {
    const { manifest, findings } = await verifyBundle(scene.path('whole.slog'))
    expect(findings).toEqual([])
    expect(manifest.lines).toBe(12_000)
    const files = manifest.members.flatMap(({ lines }) => lines ?? [])
    expect(files.length).toBeGreaterThan(3)
    expect(files.reduce((sum, lines) => sum + lines, 0)).toBe(12_000)
  })

  it('that is damaged among its lines loses one file of them, says which, and serves the rest', async () => {
    const lost = memberOf('lines/00002.parquet')
    const path = await changed('flipped.slog', (bytes) => {
      bytes[lost.at + 1000] = (bytes[lost.at + 1000] ?? 0) ^ 1
      return undefined
    })
    const { findings, manifest } = await verifyBundle(path)
    const lines = manifest.members.find(({ name }) => name === lost.name)?.lines ?? 0
    expect(findings).toEqual([{ name: lost.name, why: 'its content is not what was saved', lines }])
    const { url } = await scene.serve('flipped.slog')
    const { records, completeness } = await (await fetch(`${url}/api/v1/count`)).json()
    expect(records).toBe(12_000 - lines)
    expect(completeness).toMatchObject({ verdict: 'partial', gaps: 3 })
    const page = await (await fetch(`${url}/api/v1/search?limit=10000`)).json()
    const damaged = page.gaps.filter(({ reason }: { reason: string }) => reason === 'damaged')
    expect(damaged.reduce((sum: number, gap: { at_least: number }) => sum + gap.at_least, 0)).toBe(lines)
  })

  it.each(['README.txt', 'gaps.ndjson', 'notes.ndjson', 'inventory.json', 'completeness.json', 'knowledge.json'])(
    'that was changed in %s is told from the one that was saved',
    async (name) => {
      const path = await changed('changed.slog', (bytes) => {
        bytes[memberOf(name).at + 3] = 0x21
        return undefined
      })
      expect((await verifyBundle(path)).findings).toContainEqual({
        name,
        why: 'its content is not what was saved',
        lines: 0,
      })
    },
  )

  it('of which any bit is flipped, in whatever file or head, is not taken for the one that was saved', async () => {
    const sound = await verifyBundle(scene.path('whole.slog'))
    const places = [...members.values()].flatMap(({ name, at, bytes }) => [
      ...[0, bytes >> 1].map((offset) => ({ name, at: at + offset })),
      ...[130].map((offset) => ({ name: `head of ${name}`, at: at - 512 + offset })),
    ])
    const missed: string[] = []
    for (const { name, at } of places) {
      const path = await changed('bit.slog', (bytes) => {
        bytes[at] = (bytes[at] ?? 0) ^ 4
        return undefined
      })
      const isTaken = await verifyBundle(path).then(
        // What is changed in the manifest is known by its sum, which `save` printed.
        ({ findings, fingerprint }) => findings.length === 0 && fingerprint === sound.fingerprint,
        () => false,
      )
      if (isTaken) missed.push(`${name} at ${at}`)
    }
    expect(missed).toEqual([])
  })

  it.each([0.1, 0.5, 0.99])('that is cut off after %d of its bytes is refused', async (part) => {
    const path = await changed('cut.slog', (bytes) => bytes.subarray(0, Math.floor(bytes.length * part)))
    await expect(verifyBundle(path)).rejects.toThrow(/cut off|end is missing/)
  })

  it.each([
    ['a name that leads out of the folder', (bytes: Buffer, at: number) => bytes.write('../../etc/passwd\0', at)],
    ['an absolute name', (bytes: Buffer, at: number) => bytes.write('/etc/passwd\0', at)],
    ['a symbolic link', (bytes: Buffer, at: number) => bytes.write('2', at + 156)],
    ['a hard link', (bytes: Buffer, at: number) => bytes.write('1', at + 156)],
    ['a name twice', (bytes: Buffer, at: number) => bytes.write('manifest.json\0', at)],
    ['a name that no bundle has', (bytes: Buffer, at: number) => bytes.write('run.sh\0', at)],
    ['a size beyond the file', (bytes: Buffer, at: number) => bytes.write('77777777777\0', at + 124)],
    ['a prefix to a name', (bytes: Buffer, at: number) => bytes.write('/tmp', at + 345)],
  ])('with %s is refused', async (_, change) => {
    const head = memberOf('README.txt').at - 512
    const path = await changed('hostile.slog', (bytes) => {
      change(bytes, head)
      reseal(bytes, head)
      return undefined
    })
    await expect(verifyBundle(path)).rejects.toThrow(/cannot use this bundle: /)
  })

  it.each<[string, (manifest: Manifest) => unknown, RegExp]>([
    [
      'with a stream without labels',
      (manifest) => ({ ...manifest, streams: [{ slot: 1, attributes: {} }] }),
      /manifest/,
    ],
    ['of a newer format', (manifest) => ({ ...manifest, format: 9 }), /newer/],
    ['without what a manifest has', ({ streams: _, ...rest }) => rest, /manifest cannot be read/],
    [
      'with a member that leads elsewhere',
      (manifest) => ({ ...manifest, members: [{ ...manifest.members[0], name: '../x' }] }),
      /manifest/,
    ],
  ])('with a manifest %s is refused', async (_, change, message) => {
    const path = await changed('manifest.slog', (bytes) => withManifest(bytes, change))
    await expect(verifyBundle(path)).rejects.toThrow(message)
  })

  it('of a newer version with a file that this one does not know says so', async () => {
    const path = await changed('newer.slog', (bytes) => {
      const head = memberOf('README.txt').at - 512
      bytes.write('index.bin\0\0', head)
      reseal(bytes, head)
      return withManifest(bytes, ({ streams: _, ...rest }) => ({
        ...rest,
        format: 2,
        members: [{ name: 'index.bin' }],
      }))
    })
    await expect(verifyBundle(path)).rejects.toThrow(/in a newer format; use that version/)
  })

  it.each<[string, (manifest: Manifest) => unknown]>([
    ['more lines than its files have', (manifest) => ({ ...manifest, lines: manifest.lines + 1 })],
    ['fewer streams than its lines are of', (manifest) => ({ ...manifest, streams: manifest.streams.slice(1) })],
    [
      'other lines in a file',
      (manifest) => ({
        ...manifest,
        members: manifest.members.map((one) => ({ ...one, ...(one.lines && { lines: 5 }) })),
      }),
    ],
  ])('whose manifest tells of %s is not trusted', async (_, change) => {
    const path = await changed('lies.slog', (bytes) => withManifest(bytes, change))
    expect((await verifyBundle(path)).findings).not.toEqual([])
  })

  it('that cannot be unpacked says where, and that cannot be saved says so', async () => {
    const bundle = await Bundle.open(scene.path('whole.slog'))
    const cacheDir = scene.path('whole.slog/cache')
    await expect(unpack(bundle, cacheDir)).rejects.toThrow(/^cannot unpack the bundle below '.*cache': ENOTDIR/)
    await bundle.close()
    await expect(scene.save('none/a.slog')).rejects.toThrow(/^cannot write '.*none\/a.slog.unfinished': ENOENT/)
  })

  it('that is stopped while it is saved leaves nothing', async () => {
    const before = await readdir(scene.dir)
    const stop = new AbortController()
    stop.abort()
    await expect(scene.save('stopped.slog', { signal: stop.signal })).rejects.toThrow(
      'it was stopped; nothing was written',
    )
    expect(await readdir(scene.dir)).toEqual(before)
  })
})

/** The bundle with another manifest, which is its last member. */
function withManifest(bytes: Buffer, change: (manifest: Manifest) => unknown): Buffer {
  const { at, bytes: length } = memberOf('manifest.json')
  const text = Buffer.from(JSON.stringify(change(parseManifest(bytes.toString('utf8', at, at + length)))))
  const head = Buffer.from(bytes.subarray(0, at))
  head.write(`${text.length.toString(8).padStart(11, '0')}\0`, at - 512 + 124)
  reseal(head, at - 512)
  return Buffer.concat([head, text, Buffer.alloc(512 - (text.length % 512) + 1024)])
}
