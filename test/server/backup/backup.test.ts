import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openOffline } from '../../../server/backup/offline.ts'
import { restoreBackup } from '../../../server/backup/restore.ts'
import { saveBackup } from '../../../server/backup/save.ts'
import { verifyBackup } from '../../../server/backup/verify.ts'
import { readTar, type TarMember } from '../../../server/bundle/tar.ts'
import { EmbeddedStore } from '../../../server/store/embedded/store.ts'
import { hasCommit } from '../../../shared/forward/lineage.ts'
import { serve, type TestServer } from '../serve.ts'
import { ALL, API, DAY, gapOf, linesOf, NOON, recordOf, streamOf, WEB } from '../store/records.ts'

const log = pino({ level: 'silent' })
const RUN = { signal: new AbortController().signal, onProgress: () => {} }

let dir: string
let store: EmbeddedStore
let server: TestServer
const opened: EmbeddedStore[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'swarmlogs-backup-'))
  store = await openIn('data')
  server = await serve({ store })
})
afterEach(async () => {
  await server.close()
  for (const one of opened.splice(0)) await one.close()
  await rm(dir, { recursive: true, force: true })
})

async function openIn(
  name: string,
  options: Partial<Parameters<typeof EmbeddedStore.open>[0]> = {},
): Promise<EmbeddedStore> {
  const path = join(dir, name)
  const opening = {
    dir: path,
    retentionMs: 30 * 86_400_000,
    lockWaitMs: 0,
    log,
    memoryBytes: 128 * 2 ** 20,
    ...options,
  }
  opened.push(await EmbeddedStore.open(opening))
  return opened.at(-1) as EmbeddedStore
}

const path = (name: string): string => join(dir, name)
/** Asks the server for a backup and saves it. */
async function backup(name: string) {
  const { body, headers } = await server.get('/api/v1/backup')
  if (body === null) throw new Error('no body')
  return saveBackup({ ...RUN, path: path(name), bytes: Number(headers.get('content-length')), pieces: body })
}
async function messages(of: EmbeddedStore): Promise<string[]> {
  const found: string[] = []
  const query = { filter: ALL, order: 'asc', limit: Number.MAX_SAFE_INTEGER } as const
  for await (const records of of.search(query)) found.push(...records.map(({ message }) => message))
  return found
}
/** All lines with all that is stored of them. */
const archive = async ({ url }: TestServer) =>
  (await fetch(`${url}/api/v1/search`, { headers: { accept: 'application/vnd.swarmlogs.archive' } })).text()

describe('a backup', () => {
  it('holds archived days, too', async () => {
    const one = await openIn('archiving', { archive: { afterMs: 0 } })
    await one.append([...linesOf(WEB, 3000), ...linesOf(API, 2000, { time: NOON - 3n * DAY })])
    await one.runSealing(Date.now() + 2 * 86_400_000)
    await one.append(linesOf(streamOf('late'), 10))
    expect((await one.archive.list()).map(({ manifest }) => manifest.lines)).toEqual([2000, 3000])
    await server.close()
    server = await serve({ store: one })
    await backup('a.tar')
    await restoreBackup(path('a.tar'), path('new'), RUN)
    const restored = await openIn('new')
    expect((await restored.archive.list()).map(({ manifest }) => manifest.lines)).toEqual([2000, 3000])
    expect(await messages(restored)).toEqual(await messages(one))
  })

  it('holds all that the store has: lines of all days, gaps, saved values; and answers are the same', async () => {
    await store.append([...linesOf(WEB, 3000), ...linesOf(API, 2000, { time: NOON - 3n * DAY })])
    await store.append([recordOf(streamOf('odd'), { time: 5n, message: 'before 1990' })])
    await store.appendGaps([gapOf(WEB)])
    await store.save('inventory', '{"x":"\u0000é"}')
    await writeFile(path('data/damaged/2020-01-01.0.duckdb'), 'what was set aside')
    const { manifest } = await backup('a.tar')
    expect(manifest).toMatchObject({
      store: { ...store.identity, records: 5001, received: String(store.lastReceived) },
    })
    await restoreBackup(path('a.tar'), path('new'), RUN)
    const restored = await openIn('new')
    const other = await serve({ store: restored })
    expect(await archive(other)).toBe(await archive(server))
    expect(await restored.gaps()).toEqual(await store.gaps())
    expect(await restored.load('inventory')).toBe('{"x":"\u0000é"}')
    expect(restored.status()).toMatchObject({ records: 5001, damaged: ['2020-01-01.0.duckdb'] })
    await other.close()
    expect((await readdir(dir)).sort()).toEqual(['a.tar', 'data', 'new'])
    expect((await readdir(path('data'))).sort()).not.toContainEqual(expect.stringContaining('unfinished'))
  })

  it('is of one moment, while lines go on coming: what was acked before is in it, whole, nothing twice', async () => {
    const acked: number[] = []
    let sent = 0
    let isDone = false
    const append = async () => {
      while (!isDone) {
        const first = sent
        sent += 500
        await store.append(
          linesOf(WEB, 500, { time: NOON + BigInt(first) * 1_000_000n }).map((record, index) => ({
            ...record,
            message: `line ${first + index}`,
          })),
        )
        acked.push(first + 500)
      }
    }
    const appending = append()
    while (acked.length < 3) await store.append([recordOf(API, { time: NOON + BigInt(sent) })])
    const before = acked.at(-1) ?? 0
    const saving = backup('running.tar')
    const { manifest } = await saving
    isDone = true
    await appending
    expect(acked.at(-1)).toBeGreaterThan(before)
    await restoreBackup(path('running.tar'), path('new'), RUN)
    const restored = await openIn('new')
    const found = (await messages(restored)).filter((message) => message.startsWith('line '))
    expect(found.length).toBeGreaterThanOrEqual(before)
    expect(found).toEqual(Array.from({ length: found.length }, (_, index) => `line ${index}`))
    expect(restored.status().records).toBe(manifest.store.records)
    // The original goes on, with all of its lines.
    expect((await messages(store)).filter((message) => message.startsWith('line '))).toHaveLength(sent)
  })

  it('has what cannot be checkpointed now, because a search reads it, as a log beside it', async () => {
    await store.append(linesOf(WEB, 20_000))
    const query = { filter: ALL, order: 'asc', limit: Number.MAX_SAFE_INTEGER } as const
    const search = store.search(query)[Symbol.asyncIterator]()
    await search.next()
    await store.append(linesOf(API, 5))
    const { manifest } = await backup('log.tar')
    await store.append(linesOf(API, 5, { source: 'stderr' }))
    await search.return?.(undefined)
    expect(manifest.files.map(({ name }) => name.replace(/\d{4}-\d\d-\d\d/, 'DAY'))).toEqual([
      ...['catalog.duckdb', 'segments/DAY.0.duckdb.wal', 'segments/DAY.0.duckdb'],
    ])
    await restoreBackup(path('log.tar'), path('new'), RUN)
    expect((await openIn('new')).status()).toMatchObject({ records: 20_005, damaged: [] })
  })

  it('is what agents know for an older copy', async () => {
    await store.append([recordOf(WEB)])
    await backup('old.tar')
    const kept = { opening: store.lineage?.openings.at(-1)?.id ?? '', at: store.lastReceived }
    await store.append([recordOf(WEB, { ordinal: 1 })])
    const lost = { opening: kept.opening, at: store.lastReceived }
    await restoreBackup(path('old.tar'), path('new'), RUN)
    const restored = await openIn('new')
    await restored.append([recordOf(WEB, { ordinal: 2 })])
    expect(restored.identity).toEqual(store.identity)
    const { openings = [] } = restored.lineage ?? {}
    expect([hasCommit(openings, kept), hasCommit(openings, lost)]).toEqual([true, false])
  })

  it('is taken one at a time, and of no other store', async () => {
    await store.append(linesOf(WEB, 10))
    const first = await store.snapshot()
    expect(await (await server.get('/api/v1/backup')).json()).toMatchObject({ error: { code: 'too_busy' } })
    await first.close()
    expect((await server.get('/api/v1/backup')).status).toBe(200)
    const memory = await serve()
    const refused = await memory.get('/api/v1/backup')
    expect([refused.status, await refused.json()]).toMatchObject([404, { error: { code: 'no_backup' } }])
    await memory.close()
  })

  it('of a stopped store is made of its folder', async () => {
    await store.append(linesOf(WEB, 100))
    await expect(openOffline(path('data'), log)).rejects.toMatchObject({ code: 'SWARMLOGS_LOCKED' })
    await expect(openOffline(path('nothing'), log)).rejects.toMatchObject({ code: 'SWARMLOGS_USAGE' })
    await store.close()
    const { close, ...source } = await openOffline(path('data'), log)
    const { manifest } = await saveBackup({ ...RUN, ...source, path: path('off.tar') })
    await close()
    expect(manifest.store.records).toBe(100)
  })
})

describe('a snapshot', () => {
  it.each([
    ['small', 2 ** 30, [0]],
    ['large', 2 ** 20, [0, 1]],
  ])('of a %s segment does not hold up the lines that come for it', async (name, segmentBytes, numbers) => {
    const one = await openIn(name, { segmentBytes })
    await one.append(linesOf(WEB, 5000))
    const snapshot = await one.snapshot()
    await one.append(linesOf(WEB, 5000, { source: 'stderr' }))
    // A checkpoint changes the file that the lines are in.
    await one.runUpkeep(Date.now() + 600_000)
    expect((await readdir(path(`${name}/segments`))).filter((file) => file.endsWith('.duckdb')).sort()).toEqual(
      numbers.map((number) => expect.stringMatching(new RegExp(`\\.${number}\\.duckdb$`))),
    )
    const pieces = []
    for await (const piece of snapshot.files[1]?.content() ?? []) pieces.push(piece)
    await writeFile(path('x.duckdb'), Buffer.concat(pieces))
    const instance = await DuckDBInstance.create(path('x.duckdb'))
    const connection = await instance.connect()
    expect(await (await connection.run('SELECT count(*), max(source) FROM lines')).getRows()).toEqual([[5000n, 1]])
    connection.closeSync()
    instance.closeSync()
    await snapshot.close()
    expect(one.status().records).toBe(10_000)
  })

  it('does not change while lines of its days come, expire, and the store closes its segments', async () => {
    await store.append(linesOf(WEB, 1000))
    const snapshot = await store.snapshot()
    await store.append(linesOf(WEB, 1000, { source: 'stderr' }))
    await store.runUpkeep(Date.now() + 40 * 86_400_000)
    expect(store.status().records).toBe(0)
    const sizes = []
    for (const file of snapshot.files) {
      let bytes = 0
      for await (const piece of file.content()) bytes += piece.length
      sizes.push([file.name, bytes === file.bytes])
    }
    expect(sizes).toEqual([
      ['catalog.duckdb', true],
      [expect.stringMatching(/^segments\/.*\.0\.duckdb$/), true],
    ])
    expect(snapshot.records).toBe(1000)
    await snapshot.close()
  })

  it('fails when the store is closed, instead of being another one', async () => {
    await store.append(linesOf(WEB, 10))
    const snapshot = await store.snapshot()
    await store.close()
    const read = async () => {
      for (const file of snapshot.files) for await (const piece of file.content()) void piece
    }
    await expect(read()).rejects.toMatchObject({ code: 'SWARMLOGS_STORE_UNAVAILABLE' })
  })
})

describe('restoring', () => {
  let whole: Buffer
  let members: readonly TarMember[]
  beforeEach(async () => {
    await store.append(linesOf(WEB, 500))
    await backup('whole.tar')
    whole = await readFile(path('whole.tar'))
    members = await readTar(path('whole.tar'), () => true)
  })

  const segmentOf = (): TarMember => {
    const member = members.find(({ name }) => name.startsWith('segments/'))
    if (member === undefined) throw new Error('no segment')
    return member
  }
  async function changed(name: string, change: (bytes: Buffer) => unknown): Promise<string> {
    const copy = Buffer.from(whole)
    const made = change(copy)
    await writeFile(path(name), Buffer.isBuffer(made) ? made : copy)
    return path(name)
  }
  /** Makes the sum of a tar head right again. */
  const reseal = (bytes: Buffer, at: number): void => {
    bytes.write('        ', at + 148)
    const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0)
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148)
  }
  const rename = (name: string) => (bytes: Buffer) => {
    const at = segmentOf().at - 512
    bytes.fill(0, at, at + 100)
    bytes.write(name, at)
    reseal(bytes, at)
  }

  it('names the file that is damaged, and leaves nothing', async () => {
    const { name, at } = segmentOf()
    const flipped = await changed('flipped.tar', (bytes) => {
      bytes[at + 5000] = (bytes[at + 5000] ?? 0) ^ 1
    })
    expect((await verifyBackup(flipped, RUN)).findings).toEqual([{ name, why: 'its content is not what was saved' }])
    await expect(restoreBackup(flipped, path('new'), RUN)).rejects.toMatchObject({
      code: 'SWARMLOGS_STORE_DAMAGED',
      message: expect.stringContaining(`${name}: its content is not what was saved`),
    })
    expect(await readdir(path('new'))).toEqual([])
  })

  it.each<[string, (bytes: Buffer) => unknown, string]>([
    ['a path that leads out', rename('../../etc/passwd'), "a member '../../etc/passwd', which is none of ours"],
    ['an absolute path', rename('/etc/passwd'), "a member '/etc/passwd', which is none of ours"],
    ['a name that no store has', rename('segments/x.sh'), "a member 'segments/x.sh', which is none of ours"],
    [
      'a file that the manifest has not',
      rename('segments/2020-01-01.7.duckdb'),
      "does not tell of 'segments/2020-01-01.7",
    ],
    ['a file twice', rename('catalog.duckdb'), "it has 'catalog.duckdb' twice"],
    [
      'a symbolic link',
      (bytes) => {
        const at = segmentOf().at - 512
        bytes.write('2', at + 156)
        bytes.write('/etc/passwd', at + 157)
        reseal(bytes, at)
      },
      'in it is no plain file',
    ],
    [
      'a size that goes beyond the file',
      (bytes) => {
        const at = segmentOf().at - 512
        bytes.write('77777777777\0', at + 124)
        reseal(bytes, at)
      },
      'is cut off',
    ],
    ['no end', (bytes) => bytes.subarray(0, bytes.length - 1024), 'its end is missing'],
    [
      'no manifest',
      (bytes) => Buffer.concat([bytes.subarray(0, segmentOf().at - 512), Buffer.alloc(1024)]),
      'no manifest',
    ],
    ['nothing in it', () => Buffer.alloc(0), 'its end is missing'],
  ])('refuses %s', async (_, change, why) => {
    const hostile = await changed('hostile.tar', change)
    await expect(restoreBackup(hostile, path('new'), RUN)).rejects.toMatchObject({
      code: 'SWARMLOGS_STORE_DAMAGED',
      message: expect.stringContaining(why),
    })
    await expect(verifyBackup(hostile, RUN)).rejects.toMatchObject({ code: 'SWARMLOGS_STORE_DAMAGED' })
    expect(await readdir(dir)).not.toContain('new')
  })

  it('refuses a newer format, and what is no file', async () => {
    const newer = await changed('newer.tar', (bytes) => {
      bytes.write('"format": 9', bytes.indexOf('"format": 1'))
    })
    await expect(restoreBackup(newer, path('new'), RUN)).rejects.toMatchObject({ code: 'SWARMLOGS_STORE_NEWER' })
    await expect(restoreBackup(dir, path('new'), RUN)).rejects.toMatchObject({ code: 'SWARMLOGS_USAGE' })
  })

  it('refuses a folder with anything in it, and one that leads to such a folder', async () => {
    await mkdir(path('full'))
    await writeFile(path('full/x'), 'mine')
    await symlink(path('full'), path('link'))
    for (const name of ['full', 'link', 'data'])
      await expect(restoreBackup(path('whole.tar'), path(name), RUN)).rejects.toThrow(/it is not empty/)
    expect(await readFile(path('full/x'), 'utf8')).toBe('mine')
  })

  it('takes a folder that is empty, or the root of a new disk', async () => {
    await mkdir(path('disk/lost+found'), { recursive: true })
    await restoreBackup(path('whole.tar'), path('disk'), RUN)
    expect((await openIn('disk')).status().records).toBe(500)
  })

  it('that was stopped leaves nothing; a server starts on nothing that a crash left', async () => {
    const stop = new AbortController()
    const run = { signal: stop.signal, onProgress: () => stop.abort() }
    await expect(restoreBackup(path('whole.tar'), path('new'), run)).rejects.toThrow(
      /it was stopped; nothing was written/,
    )
    expect(await readdir(path('new'))).toEqual([])
    await mkdir(path('new/restore.unfinished'))
    await expect(openIn('new')).rejects.toMatchObject({ code: 'SWARMLOGS_CONFIG' })
  })
})
