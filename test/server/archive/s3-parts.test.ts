import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openShelf } from '../../../server/archive/open-shelf.ts'
import { MIB, useShelf } from './s3-under-test.ts'
import type { Seen } from './wire.ts'

const PUT = fileURLToPath(new URL('s3.put.ts', import.meta.url))

const lab = useShelf('mock')

describe('an upload in parts', () => {
  it('goes on where a process was killed, sending only what is missing', async () => {
    const path = lab.large(64)
    lab.wire.fate = (seen) => (partOf(seen) > 2 ? 'hold' : 'pass')
    const child = spawn(process.execPath, [PUT, JSON.stringify(lab.config()), 'day/lines', path], { stdio: 'inherit' })
    await Promise.all([lab.wire.held(2), partsThere(2)])
    child.kill('SIGKILL')
    await once(child, 'exit')
    await expectGoesOn(path)
  })

  it('goes on after the server was killed', async () => {
    const path = lab.large(64)
    lab.wire.fate = (seen) => (partOf(seen) > 2 ? 'hold' : 'pass')
    const put = lab.shelf.put('day/lines', path)
    await Promise.all([lab.wire.held(2), partsThere(2)])
    const ended = put.catch(() => undefined)
    await lab.s3.kill()
    lab.wire.fate = () => 'pass'
    lab.wire.cutHeld()
    await lab.s3.start()
    // Whether it held out until the server was there again depends on how fast this machine is.
    await ended
    await lab.shelf.put('day/lines', path)
    const sent = lab.wire.seen.map(partOf).filter((part) => part === 1 || part === 2)
    expect(sent.toSorted()).toEqual([1, 2])
    await expectBack('day/lines', path)
  })

  it('ends when it is asked to, and so does all that is under way when the shelf is closed', async () => {
    lab.wire.fate = (seen) => (partOf(seen) > 0 ? 'hold' : 'pass')
    const stop = new AbortController()
    const put = lab.shelf.put('day/lines', lab.large(17), stop.signal)
    await lab.wire.held(2)
    stop.abort(new Error('enough'))
    await expect(put).rejects.toThrow('enough')
    const other = lab.shelf.put('day/lines', lab.large(17))
    await lab.wire.held(4)
    lab.shelf.close()
    await expect(other).rejects.toThrow('the archive was closed')
  })

  it('does not take over parts of other content', async () => {
    lab.wire.fate = (seen) => (partOf(seen) > 1 ? 'hold' : 'pass')
    const stop = new AbortController()
    const put = lab.shelf.put('day/lines', lab.large(33), stop.signal)
    await Promise.all([lab.wire.held(2), partsThere(1)])
    stop.abort()
    await expect(put).rejects.toThrow()
    lab.wire.fate = () => 'pass'
    const path = lab.large(33)
    await lab.shelf.put('day/lines', path)
    await expectBack('day/lines', path)
  })

  it('does not take over parts that are not encrypted, when they are to be', async () => {
    lab.wire.fate = (seen) => (partOf(seen) > 1 ? 'hold' : 'pass')
    const stop = new AbortController()
    const path = lab.large(33)
    const put = lab.shelf.put('day/lines', path, stop.signal)
    await Promise.all([lab.wire.held(2), partsThere(1)])
    stop.abort()
    await expect(put).rejects.toThrow()
    lab.wire.fate = () => 'pass'
    const safe = await openShelf({ ...lab.config(), encryption: { kind: 'AES256' } })
    await safe.put('day/lines', path)
    safe.close()
    const begun = lab.wire.seen.filter(({ method, query }) => method === 'POST' && query.has('uploads'))
    expect(begun.map(({ headers }) => headers['x-amz-server-side-encryption'])).toEqual([undefined, 'AES256'])
  })

  it('is aborted a day after it was begun and not finished', async () => {
    lab.wire.fate = (seen) => (partOf(seen) > 0 ? 'hold' : 'pass')
    const put = lab.shelf.put('day/lines', lab.large(17))
    await lab.wire.held(2)
    lab.shelf.close()
    await expect(put).rejects.toThrow()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 86_400_000 })
    onTestFinished(() => void vi.useRealTimers())
    lab.shelf = await openShelf(lab.config())
    await lab.shelf.put('day/words', lab.file('words', 'x'))
    expect(await (await fetch(`${lab.s3.url}/${lab.s3.bucket}?uploads`)).text()).not.toContain(lab.prefix)
  })
})

describe('a line that fails', () => {
  it('costs a put nothing but time', async () => {
    const path = lab.large(33)
    const tried = new Set<string>()
    // Each request fails once, in one of three ways.
    lab.wire.fate = (seen) => {
      const id = `${seen.method} ${partOf(seen)} ${[...seen.query.keys()]}`
      if (tried.has(id)) return 'pass'
      tried.add(id)
      return ['cut' as const, { status: 503 }, { bytes: 10 }][tried.size % 3] ?? 'pass'
    }
    await lab.shelf.put('day/lines', path)
    lab.wire.fate = () => 'pass'
    await expectBack('day/lines', path)
  })

  it('makes a get ask for the rest alone', async () => {
    const path = lab.large(33)
    await lab.shelf.put('day/lines', path)
    let answers = 0
    lab.wire.fate = () => (++answers < 4 ? { bytes: 8 * MIB } : 'pass')
    await expectBack('day/lines', path)
    const ranges = lab.wire.seen
      .slice(-4)
      .map(({ headers }) => Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0))
    expect(ranges).toEqual(ranges.toSorted((a, b) => a - b))
    expect(ranges[3]).toBeGreaterThan(16 * MIB)
    expect(lab.wire.seen.at(-1)?.headers['if-match']).toMatch(/^"/)
  })
})

describe('a get that goes on with what an earlier process left', () => {
  it('fetches the rest of it', async () => {
    const path = lab.large(17)
    await lab.shelf.put('day/lines', path)
    writeFileSync(join(lab.dir, 'back.unfinished'), readFileSync(path).subarray(0, 5 * MIB))
    await expectBack('day/lines', path)
    expect(lab.wire.seen.at(-1)?.headers.range).toBe(`bytes=${5 * MIB - 1}-`)
    writeFileSync(join(lab.dir, 'back.unfinished'), readFileSync(path))
    await expectBack('day/lines', path)
  })

  it('fetches all when it is of other content, or longer', async () => {
    await lab.shelf.put('day/words', lab.file('words', 'these are the words'))
    for (const left of ['those', 'those that were there before were longer']) {
      writeFileSync(join(lab.dir, 'back.unfinished'), left)
      await expectBack('day/words', join(lab.dir, 'words'))
    }
  })

  it('does not pass off as whole what is not what was put there', async () => {
    await lab.shelf.put('day/words', lab.file('words', 'these are the words'))
    const headers = { 'x-amz-meta-sha256': '00' }
    await fetch(`${lab.s3.url}/${lab.s3.bucket}/${lab.prefix}/day/words`, {
      method: 'PUT',
      body: 'these are the wards',
      headers,
    })
    await expect(lab.shelf.get('day/words', join(lab.dir, 'back'))).rejects.toMatchObject({
      code: 'SWARMLOGS_STORE_DAMAGED',
    })
    expect(existsSync(join(lab.dir, 'back')) || existsSync(join(lab.dir, 'back.unfinished'))).toBe(false)
  })
})

function partOf({ query, method }: Seen): number {
  return method === 'PUT' ? Number(query.get('partNumber') ?? 0) : 0
}

/** Resolves when the server has stored this many parts. */
async function partsThere(count: number): Promise<void> {
  const id = await vi.waitUntil(() => lab.wire.seen.find((seen) => partOf(seen) > 0)?.query.get('uploadId'), 30_000)
  const url = `${lab.s3.url}/${lab.s3.bucket}/${lab.prefix}/day/lines?uploadId=${id}`
  await vi.waitUntil(async () => (await (await fetch(url)).text()).split('<PartNumber>').length > count, 30_000)
}

async function expectGoesOn(path: string): Promise<void> {
  lab.wire.fate = () => 'pass'
  lab.wire.seen.length = 0
  await lab.shelf.put('day/lines', path)
  expect(lab.wire.seen.map(partOf).filter((part) => part > 0 && part < 3)).toEqual([])
  await expectBack('day/lines', path)
}

async function expectBack(name: string, path: string): Promise<void> {
  await lab.shelf.get(name, join(lab.dir, 'back'))
  expect(readFileSync(join(lab.dir, 'back')).equals(readFileSync(path))).toBe(true)
}
