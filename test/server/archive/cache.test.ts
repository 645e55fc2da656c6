import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FileCache } from '../../../server/archive/cache.ts'
import { FolderShelf } from './folder-shelf.ts'

describe('FileCache', () => {
  let dir: string
  let shelf: FolderShelf
  let cache: FileCache
  let fetched: string[]
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'swarmlogs-cache-'))
    for (const folder of ['shelf/d.1', 'local/d.1']) mkdirSync(join(dir, folder), { recursive: true })
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) writeFileSync(join(dir, 'shelf/d.1', name), '0123456789')
    shelf = new FolderShelf(join(dir, 'shelf'))
    cache = new FileCache(join(dir, 'local'), shelf, 25)
    fetched = []
    shelf.before = (_, name) => void fetched.push(name)
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  const isThere = (name: string) => existsSync(join(dir, 'local/d.1', name))
  const use = async (name: string) => (await cache.take(`d.1/${name}`, 10))()

  it('fetches what is missing once, and drops what was not used for longest', async () => {
    for (const name of ['a', 'b', 'a', 'c']) await use(name)
    expect(fetched).toEqual(['d.1/a', 'd.1/b', 'd.1/c'])
    expect(['a', 'b', 'c'].map(isThere)).toEqual([true, false, true])
    expect(cache.bytes).toBe(20)
  })

  it('takes over what is there, as far as there is room', () => {
    for (const name of ['a', 'b', 'c']) {
      writeFileSync(join(dir, 'local/d.1', name), '0123456789')
      cache.note(`d.1/${name}`, 10, true)
    }
    expect(['a', 'b', 'c'].map(isThere)).toEqual([false, true, true])
  })

  it('drops nothing that is nowhere else', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      writeFileSync(join(dir, 'local/d.1', name), '0123456789')
      cache.note(`d.1/${name}`, 10, name === 'd')
    }
    cache.drop('d.1/a')
    await use('b')
    expect(['a', 'b', 'c', 'd'].map(isThere)).toEqual([true, true, true, false])
    expect(fetched).toEqual([])
    cache.note('d.1/c', 10, true)
    expect(cache.bytes).toBe(20)
    expect(['a', 'b', 'c'].map(isThere)).toEqual([true, true, false])
  })

  it('keeps what is being read, even when that is too much', async () => {
    const releases = []
    for (const name of ['a', 'b', 'c', 'd']) releases.push(await cache.take(`d.1/${name}`, 10))
    expect(['a', 'b', 'c', 'd'].map(isThere)).toEqual([true, true, true, true])
    expect(cache.bytes).toBe(40)
    for (const release of releases) release()
    expect(cache.bytes).toBe(20)
  })

  it('fetches a file once for all who wait, at most four at once', async () => {
    let running = 0
    let most = 0
    const gate = Promise.withResolvers<void>()
    shelf.before = async (_, name) => {
      fetched.push(name)
      most = Math.max(most, ++running)
      await gate.promise
      running--
    }
    const names = ['a', 'a', 'b', 'c', 'd', 'e', 'f', 'f']
    const all = Promise.all(names.map(use))
    gate.resolve()
    await all
    expect(fetched.toSorted()).toEqual(['d.1/a', 'd.1/b', 'd.1/c', 'd.1/d', 'd.1/e', 'd.1/f'])
    expect(most).toBe(4)
  })

  it('ends a fetch when the last one who waits has gone, and not before', async () => {
    const signals: AbortSignal[] = []
    const gate = Promise.withResolvers<void>()
    shelf.before = async (_, _name, signal) => {
      if (signal !== undefined) signals.push(signal)
      await gate.promise
      signal?.throwIfAborted()
    }
    const [one, two] = [new AbortController(), new AbortController()]
    const first = cache.take('d.1/a', 10, one.signal)
    const second = cache.take('d.1/a', 10, two.signal)
    one.abort(new Error('first has gone'))
    await expect(first).rejects.toThrow('first has gone')
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    two.abort(new Error('second has gone'))
    await expect(second).rejects.toThrow('second has gone')
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    // Who comes now does not get the end of that one.
    const third = cache.take('d.1/a', 10)
    gate.resolve()
    ;(await third)()
    expect(isThere('a')).toBe(true)
    expect(signals).toHaveLength(2)
  })

  it('tells all who wait why a file cannot be fetched, and tries again for the next', async () => {
    shelf.before = () => Promise.reject(new Error('no line'))
    await expect(Promise.all([use('a'), use('a')])).rejects.toThrow('no line')
    shelf.before = () => {}
    await use('a')
    expect(isThere('a')).toBe(true)
  })
})
