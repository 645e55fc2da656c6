import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FileCache } from '../../../server/archive/cache.ts'
import { DayFiles } from '../../../server/archive/day-files.ts'
import { ARCHIVE_FORMAT, type DayManifest } from '../../../server/archive/manifest.ts'
import { FolderShelf } from './folder-shelf.ts'

const SEALED = { bytes: 5, sha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824' }
const LINES = 'lines-00001.parquet'
const DAY: DayManifest = {
  ...{ format: ARCHIVE_FORMAT, day: '2026-11-19', generation: 1, sealed: '1', version: '1', replaces: [], gaps: [] },
  ...{ store: { id: 'store', received: '1' }, lines: 1, messageBytes: 5, streams: [], counts: [] },
  files: [{ name: LINES, ...SEALED, lines: 1, first: '1', last: '1' }],
  words: SEALED,
  chunks: SEALED,
}
const NAMES = [LINES, 'words', 'chunks.parquet']

let dir: string
let path: string
const logged: string[] = []
const log = pino({}, { write: (line) => void logged.push(JSON.parse(line).msg) })
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'swarmlogs-files-'))
  path = join(dir, 'archive', '2026-11-19.1')
  for (const to of [path, join(dir, 'shelf', '2026-11-19.1')]) {
    await mkdir(to, { recursive: true })
    for (const name of NAMES) writeFileSync(join(to, name), 'hello')
  }
  logged.length = 0
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(dir, { recursive: true })
})

function broken(code: string): () => Promise<string> {
  return async () => {
    throw Object.assign(new Error(`${code}: it cannot be read`), { code })
  }
}

describe('a file that cannot be read', () => {
  it.each(['EMFILE', 'EIO', 'EACCES'])('is not damaged, and read again by whoever comes next: %s', async (code) => {
    const look = vi.fn(broken(code))
    const files = new DayFiles({ path, manifest: DAY }, log, undefined, look)
    const unavailable = { code: 'SWARMLOGS_STORE_UNAVAILABLE', message: expect.stringContaining(code) }
    for (const name of NAMES) await expect(files.isSound(name)).rejects.toMatchObject(unavailable)
    await expect(files.lookAgain()).rejects.toMatchObject(unavailable)
    for await (const { name, why } of files.verify()) if (NAMES.includes(name)) expect(why).toContain(code)
    expect(files.damaged).toEqual(['2026-11-19.1/manifest.json'])
    look.mockImplementation(async () => '')
    for (const name of NAMES) expect(await files.isSound(name)).toBe(true)
    expect(logged).toHaveLength(1)
  })

  it('counts as damaged while its disk goes on to fail, and is looked at again an hour later', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const look = vi.fn(broken('EIO'))
    const files = new DayFiles({ path, manifest: DAY }, log, undefined, look)
    await expect(files.isSound(LINES)).rejects.toThrow('EIO')
    vi.advanceTimersByTime(60_000)
    expect(await files.isSound(LINES)).toBe(false)
    expect(files.damaged).toEqual([`2026-11-19.1/${LINES}`])
    look.mockImplementation(async () => '')
    expect(await files.isSound(LINES)).toBe(false)
    vi.advanceTimersByTime(3_600_000)
    expect(await files.isSound(LINES)).toBe(true)
    expect(files.damaged).toEqual([])
    expect(logged).toHaveLength(2)
  })

  it('never counts as damaged for what the machine lacks, however long that takes', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const files = new DayFiles({ path, manifest: DAY }, log, undefined, broken('EMFILE'))
    await expect(files.isSound(LINES)).rejects.toThrow('EMFILE')
    vi.advanceTimersByTime(7_200_000)
    await expect(files.isSound(LINES)).rejects.toThrow('EMFILE')
  })
})

describe('a damaged file', () => {
  it.each(NAMES)('is fetched anew where there is another one: %s', async (name) => {
    const shelf = new FolderShelf(join(dir, 'shelf'))
    const cache = new FileCache(dirname(path), shelf, 100)
    cache.note(`2026-11-19.1/${LINES}`, 5, true)
    const files = new DayFiles({ path, manifest: DAY }, log, cache)
    writeFileSync(join(path, name), 'hullo')
    shelf.before = () => Promise.reject(new Error('no line'))
    await expect(files.isSound(name)).rejects.toThrow('no line')
    shelf.before = () => {}
    expect(await files.isSound(name)).toBe(true)
    expect(readFileSync(join(path, name), 'utf8')).toBe('hello')
    rmSync(join(path, name))
    for await (const found of files.verify()) if (NAMES.includes(found.name)) expect(found.why).toBe('')
    expect(files.damaged).toEqual([`2026-11-19.1/manifest.json`])
  })

  it('is left out where there is none', async () => {
    const shelf = new FolderShelf(join(dir, 'nothing'))
    const files = new DayFiles({ path, manifest: DAY }, log, new FileCache(dirname(path), shelf, 100))
    writeFileSync(join(path, 'words'), 'hullo')
    expect(await files.isSound('words')).toBe(false)
    expect(files.damaged).toEqual(['2026-11-19.1/words'])
  })
})
