import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openShelf } from '../../../server/archive/open-shelf.ts'
import type { Shelf } from '../../../server/archive/shelf.ts'
import type { ArchiveS3Config } from '../../../server/config/archive-s3.ts'
import { KMS_KEY, type S3, startS3 } from '../../lab/s3.ts'
import { openWire, type Seen, type Wire } from './wire.ts'

const MIB = 2 ** 20
const PUT = fileURLToPath(new URL('s3.put.ts', import.meta.url))

let s3: S3
let wire: Wire
let dir: string
let prefix: string
let shelf: Shelf

beforeAll(async () => {
  s3 = await startS3()
})
afterAll(() => s3.stop())
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'swarmlogs-shelf-'))
  prefix = `logs/${randomBytes(4).toString('hex')}`
  wire = await openWire(s3.url)
  shelf = await openShelf(config())
})
afterEach(() => {
  shelf.close()
  wire.close()
  rmSync(dir, { recursive: true })
})

describe('S3Shelf', () => {
  it('keeps files, tells them in order of names and removes them', async () => {
    const names = ['2026-11-19.1/lines-0001.parquet', '2026-11-19.1/manifest.json', '2026-11-20.1/words', 'holds.json']
    for (const name of names.toReversed()) await shelf.put(name, file('small', name))
    await shelf.put(names[0] ?? '', file('empty', ''))
    expect(await listed()).toEqual(names.map((name, index) => ({ name, bytes: index === 0 ? 0 : name.length })))
    for (const [index, name] of names.entries()) {
      await shelf.get(name, join(dir, 'back'))
      expect(readFileSync(join(dir, 'back'), 'utf8')).toBe(index === 0 ? '' : name)
    }
    expect(existsSync(join(dir, 'back.unfinished'))).toBe(false)
    await shelf.remove([...names.slice(1), 'never/there'])
    expect(await listed()).toEqual([{ name: names[0], bytes: 0 }])
  })

  it('sees nothing beside its prefix, and no names that are no paths of ours', async () => {
    const beside = await openShelf({ ...config(), prefix: `${prefix}-more` })
    await beside.put('day/words', file('one', '1'))
    beside.close()
    for (const name of ['..', '%2E%2E/escape', 'day//words', 'day/', 'ok'])
      await fetch(`${s3.url}/${s3.bucket}/${prefix}/${name}`, { method: 'PUT', body: 'x' })
    expect(await listed()).toEqual([{ name: 'ok', bytes: 1 }])
    for (const name of ['../x', '/x', 'a//b', 'a/../b', '.hidden', ''])
      await expect(shelf.put(name, file('one', '1'))).rejects.toMatchObject({ code: 'SWARMLOGS_USAGE' })
  })

  it('says what is not there', async () => {
    await expect(shelf.get('day/words', join(dir, 'back'))).rejects.toMatchObject({
      code: 'SWARMLOGS_NOT_FOUND',
      message: expect.stringMatching(/^cannot fetch day\/words \(s3:\/\/lab-bucket\/logs\/\w+\): it is not there/),
    })
  })

  it('puts a file anew that has other content, and none that is there already', async () => {
    await shelf.put('day/words', file('words', 'first'))
    await shelf.put('day/words', file('words', 'other'))
    await shelf.put('day/words', file('words', 'other'))
    expect(wire.seen.filter(({ method }) => method === 'PUT')).toHaveLength(2)
    await shelf.get('day/words', join(dir, 'back'))
    expect(readFileSync(join(dir, 'back'), 'utf8')).toBe('other')
  })

  it('asks for encryption, of small files and of large ones', async () => {
    const encrypted = { AES256: undefined, 'aws:kms': KMS_KEY } as const
    for (const [kind, kmsKey] of Object.entries(encrypted)) {
      const encryption = { kind: kind as keyof typeof encrypted, ...(kmsKey && { kmsKey }) }
      const safe = await openShelf({ ...config(), encryption })
      await safe.put('day/small', file('small', 'the same'))
      await safe.put('day/large', large(17))
      safe.close()
      const head = await fetch(`${s3.url}/${s3.bucket}/${prefix}/day/small`, { method: 'HEAD' })
      const begun = wire.seen.findLast(({ method, query }) => method === 'POST' && query.has('uploads'))
      const answers = [Object.fromEntries(head.headers), begun?.headers ?? {}]
      for (const headers of answers) {
        expect(headers['x-amz-server-side-encryption']).toBe(kind)
        expect(headers['x-amz-server-side-encryption-aws-kms-key-id']).toBe(kmsKey)
      }
    }
    const wrong = await openShelf({ ...config(), encryption: { kind: 'aws:kms', kmsKey: KMS_KEY.replace(/1$/, '2') } })
    await expect(wrong.put('day/other', file('other', ''))).rejects.toThrow('check --archive-s3-kms-key')
    wrong.close()
  })

  it('trusts the authority that it was given, and says which setting is wrong when there is none', async () => {
    const https = { ...config(), endpoint: s3.httpsUrl }
    const doubtful = await openShelf(https)
    await expect(doubtful.put('day/words', file('words', 'x'))).rejects.toThrow(/not trusted .*--archive-s3-ca$/)
    doubtful.close()
    const trusting = await openShelf({ ...https, caFile: file('ca.pem', await s3.certificate()) })
    await trusting.put('day/words', file('words', 'x'))
    trusting.close()
    await expect(openShelf({ ...https, caFile: join(dir, 'none') })).rejects.toThrow(/--archive-s3-ca names: ENOENT/)
  })

  it('says that there is no such bucket', async () => {
    const lost = await openShelf({ ...config(), bucket: 'no-such-bucket' })
    await expect(lost.put('day/words', file('words', 'x'))).rejects.toMatchObject({
      code: 'SWARMLOGS_CONFIG',
      message: expect.stringContaining('there is no such bucket: create it, or check --archive-s3'),
    })
    lost.close()
  })
})

describe('an upload in parts', () => {
  it('goes on where a process was killed, sending only what is missing', async () => {
    const path = large(64)
    wire.fate = (seen) => (partOf(seen) > 2 ? 'hold' : 'pass')
    const child = spawn(process.execPath, [PUT, JSON.stringify(config()), 'day/lines', path], { stdio: 'inherit' })
    await Promise.all([wire.held(2), partsThere(2)])
    child.kill('SIGKILL')
    await once(child, 'exit')
    await expectGoesOn(path)
  })

  it('goes on after the server was killed', async () => {
    const path = large(64)
    wire.fate = (seen) => (partOf(seen) > 2 ? 'hold' : 'pass')
    const put = shelf.put('day/lines', path)
    await Promise.all([wire.held(2), partsThere(2)])
    await s3.kill()
    wire.fate = () => 'pass'
    const gone = put.catch((error) => error)
    wire.close()
    await s3.start()
    // Whether it held out until the server was there again depends on how fast this machine is.
    await gone
    shelf.close()
    wire = await openWire(s3.url)
    shelf = await openShelf(config())
    await expectGoesOn(path)
  })

  it('ends when it is asked to, and so does all that is under way when the shelf is closed', async () => {
    wire.fate = (seen) => (partOf(seen) > 0 ? 'hold' : 'pass')
    const stop = new AbortController()
    const put = shelf.put('day/lines', large(17), stop.signal)
    await wire.held(2)
    stop.abort(new Error('enough'))
    await expect(put).rejects.toThrow('enough')
    const other = shelf.put('day/lines', large(17))
    await wire.held(4)
    shelf.close()
    await expect(other).rejects.toThrow('the archive was closed')
  })

  it('does not take over parts of other content', async () => {
    wire.fate = (seen) => (partOf(seen) > 1 ? 'hold' : 'pass')
    const stop = new AbortController()
    const put = shelf.put('day/lines', large(33), stop.signal)
    await Promise.all([wire.held(2), partsThere(1)])
    stop.abort()
    await expect(put).rejects.toThrow()
    wire.fate = () => 'pass'
    const path = large(33)
    await shelf.put('day/lines', path)
    await expectBack('day/lines', path)
  })

  it('does not take over parts that are not encrypted, when they are to be', async () => {
    wire.fate = (seen) => (partOf(seen) > 1 ? 'hold' : 'pass')
    const stop = new AbortController()
    const path = large(33)
    const put = shelf.put('day/lines', path, stop.signal)
    await Promise.all([wire.held(2), partsThere(1)])
    stop.abort()
    await expect(put).rejects.toThrow()
    wire.fate = () => 'pass'
    const safe = await openShelf({ ...config(), encryption: { kind: 'AES256' } })
    await safe.put('day/lines', path)
    safe.close()
    const begun = wire.seen.filter(({ method, query }) => method === 'POST' && query.has('uploads'))
    expect(begun.map(({ headers }) => headers['x-amz-server-side-encryption'])).toEqual([undefined, 'AES256'])
  })

  it('is aborted a day after it was begun and not finished', async () => {
    wire.fate = (seen) => (partOf(seen) > 0 ? 'hold' : 'pass')
    const put = shelf.put('day/lines', large(17))
    await wire.held(2)
    shelf.close()
    await expect(put).rejects.toThrow()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 86_400_000 })
    onTestFinished(() => void vi.useRealTimers())
    shelf = await openShelf(config())
    await shelf.put('day/words', file('words', 'x'))
    expect(await (await fetch(`${s3.url}/${s3.bucket}?uploads`)).text()).not.toContain(prefix)
  })
})

describe('a line that fails', () => {
  it('costs a put nothing but time', async () => {
    const path = large(33)
    const tried = new Set<string>()
    // Each request fails once, in one of three ways.
    wire.fate = (seen) => {
      const id = `${seen.method} ${partOf(seen)} ${[...seen.query.keys()]}`
      if (tried.has(id)) return 'pass'
      tried.add(id)
      return ['cut' as const, { status: 503 }, { bytes: 10 }][tried.size % 3] ?? 'pass'
    }
    await shelf.put('day/lines', path)
    wire.fate = () => 'pass'
    await expectBack('day/lines', path)
  })

  it('makes a get ask for the rest alone', async () => {
    const path = large(33)
    await shelf.put('day/lines', path)
    let answers = 0
    wire.fate = () => (++answers < 4 ? { bytes: 8 * MIB } : 'pass')
    await expectBack('day/lines', path)
    const ranges = wire.seen
      .slice(-4)
      .map(({ headers }) => Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0))
    expect(ranges).toEqual(ranges.toSorted((a, b) => a - b))
    expect(ranges[3]).toBeGreaterThan(16 * MIB)
    expect(wire.seen.at(-1)?.headers['if-match']).toMatch(/^"/)
  })
})

describe('a get that goes on with what an earlier process left', () => {
  it('fetches the rest of it', async () => {
    const path = large(17)
    await shelf.put('day/lines', path)
    writeFileSync(join(dir, 'back.unfinished'), readFileSync(path).subarray(0, 5 * MIB))
    await expectBack('day/lines', path)
    expect(wire.seen.at(-1)?.headers.range).toBe(`bytes=${5 * MIB - 1}-`)
    writeFileSync(join(dir, 'back.unfinished'), readFileSync(path))
    await expectBack('day/lines', path)
  })

  it('fetches all when it is of other content, or longer', async () => {
    await shelf.put('day/words', file('words', 'these are the words'))
    for (const left of ['those', 'those that were there before were longer']) {
      writeFileSync(join(dir, 'back.unfinished'), left)
      await expectBack('day/words', join(dir, 'words'))
    }
  })

  it('does not pass off as whole what is not what was put there', async () => {
    await shelf.put('day/words', file('words', 'these are the words'))
    const headers = { 'x-amz-meta-sha256': '00' }
    await fetch(`${s3.url}/${s3.bucket}/${prefix}/day/words`, { method: 'PUT', body: 'these are the wards', headers })
    await expect(shelf.get('day/words', join(dir, 'back'))).rejects.toMatchObject({ code: 'SWARMLOGS_STORE_DAMAGED' })
    expect(existsSync(join(dir, 'back')) || existsSync(join(dir, 'back.unfinished'))).toBe(false)
  })
})

function config(): ArchiveS3Config {
  return { ...s3.config(prefix), endpoint: wire.url }
}

function file(name: string, content: string): string {
  const path = join(dir, name)
  writeFileSync(path, content)
  return path
}

/** A file of this size that is like no other. */
function large(mib: number): string {
  const path = join(dir, `large-${randomBytes(4).toString('hex')}`)
  const block = randomBytes(MIB)
  writeFileSync(path, '')
  for (let index = 0; index < mib; index++) {
    block.writeUInt32BE(index)
    writeFileSync(path, block, { flag: 'a' })
  }
  return path
}

async function listed(): Promise<{ name: string; bytes: number }[]> {
  const all = []
  for await (const one of shelf.list()) all.push(one)
  return all
}

function partOf({ query, method }: Seen): number {
  return method === 'PUT' ? Number(query.get('partNumber') ?? 0) : 0
}

/** Resolves when the server has stored this many parts. */
async function partsThere(count: number): Promise<void> {
  const id = await vi.waitUntil(() => wire.seen.find((seen) => partOf(seen) > 0)?.query.get('uploadId'), 30_000)
  const url = `${s3.url}/${s3.bucket}/${prefix}/day/lines?uploadId=${id}`
  await vi.waitUntil(async () => (await (await fetch(url)).text()).split('<PartNumber>').length > count, 30_000)
}

async function expectGoesOn(path: string): Promise<void> {
  wire.fate = () => 'pass'
  wire.seen.length = 0
  await shelf.put('day/lines', path)
  expect(wire.seen.map(partOf).filter((part) => part > 0 && part < 3)).toEqual([])
  await expectBack('day/lines', path)
}

async function expectBack(name: string, path: string): Promise<void> {
  await shelf.get(name, join(dir, 'back'))
  expect(readFileSync(join(dir, 'back')).equals(readFileSync(path))).toBe(true)
}
