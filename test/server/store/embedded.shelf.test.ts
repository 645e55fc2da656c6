import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EmbeddedStore } from '../../../server/store/embedded/store.ts'
import { SwarmlogsError } from '../../../shared/errors.ts'
import { FolderShelf } from '../archive/folder-shelf.ts'
import { storeContract } from './contract.ts'
import { collect, DAY, NOON, queryOf, recordOf, streamOf } from './records.ts'

const DAY_MS = 86_400_000
const LATER_MS = Date.now() + 2 * DAY_MS

/** A store that archives to a shelf; no file of lines stays here when nobody reads it, unless there is a cache. */
async function open(dir: string, shelf: FolderShelf | undefined, cacheBytes = 0): Promise<EmbeddedStore> {
  const archive = { afterMs: 0, shelf, cacheBytes, dir: join(dir, 'archive') }
  const log = pino({ level: 'silent' })
  return EmbeddedStore.open({ dir: join(dir, 'data'), retentionMs: 30 * DAY_MS, lockWaitMs: 0, archive, log })
}

describe('a store whose archive is on a shelf', () => {
  let dir: string
  let shelf: FolderShelf
  let store: EmbeddedStore
  const messages = async (signal?: AbortSignal) =>
    (await collect(store, queryOf(), signal)).map(({ message }) => message)
  const archived = async () => (await store.archive.list()).map(({ manifest }) => manifest.day)
  const linesHere = () =>
    readdirSync(join(dir, 'archive'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /lines-\d+.parquet$/.test(name),
    )
  const reopen = async () => {
    await store.close()
    store = await open(dir, shelf)
  }

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'swarmlogs-shelf-'))
    shelf = new FolderShelf(join(dir, 'shelf'))
    store = await open(dir, shelf)
    const stream = streamOf('web')
    await store.append([
      recordOf(stream, { time: NOON - DAY, message: 'first' }),
      recordOf(stream, { time: NOON, message: 'second' }),
    ])
  })
  afterEach(async () => {
    shelf.before = () => {}
    await store.close()
    await rm(dir, { recursive: true })
  })

  it('has a day leave when its manifest, the last of its files, is on the shelf', async () => {
    const put: string[] = []
    shelf.before = (call, name) => {
      if (call === 'put') put.push(name)
      if (call === 'put' && name.endsWith('/manifest.json')) throw new Error('no line')
    }
    await store.runSealing(LATER_MS)
    expect(await archived()).toEqual([])
    await reopen()
    expect(await messages()).toEqual(['first', 'second'])
    expect(put.filter((name) => name.endsWith('/manifest.json'))).toHaveLength(2)
    shelf.before = () => {}
    await store.runSealing(LATER_MS)
    expect(await archived()).toHaveLength(2)
    const [day] = await archived()
    const names = (await shelf.all()).map(({ name }) => name)
    expect(names.filter((name) => name.startsWith(`${day}`))).toEqual(
      ['lines-00001.parquet', 'manifest.json', 'words'].map((name) => `${day}.1/${name}`),
    )
    expect(names.at(-1)).toBe('id')
    expect(linesHere()).toEqual([])
    expect(await messages()).toEqual(['first', 'second'])
    expect(linesHere()).toEqual([])
  })

  it('does no work for a shelf that cannot be reached', async () => {
    const calls: string[] = []
    shelf.before = (call, name) => {
      calls.push(`${call} ${name}`)
      throw new Error('no line')
    }
    await store.runSealing(LATER_MS)
    expect(calls).toEqual(['get id', 'get id'])
    expect(await messages()).toEqual(['first', 'second'])
  })

  it('says why lines cannot be fetched, ends when asked to, and answers again when they can', async () => {
    await store.runSealing(LATER_MS)
    shelf.before = () => Promise.reject(new Error('no line'))
    await expect(messages()).rejects.toThrow('no line')
    const begun = Promise.withResolvers<void>()
    shelf.before = async (_, _name, signal) => {
      begun.resolve()
      await new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    }
    const stop = new AbortController()
    const search = messages(stop.signal)
    await begun.promise
    stop.abort()
    expect(await search).toEqual([])
    shelf.before = () => {}
    expect(await messages()).toEqual(['first', 'second'])
  })

  it('takes other lines while late ones wait for what they must be held against', async () => {
    await store.runSealing(LATER_MS)
    const begun = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    shelf.before = async () => {
      begun.resolve()
      await gate.promise
    }
    const known = recordOf(streamOf('web'), { time: NOON, message: 'second' })
    const late = store.append([known, recordOf(streamOf('web'), { time: NOON - 1n, message: 'late' })])
    await begun.promise
    const other = recordOf(streamOf('api'), { time: NOON + DAY / 2n, message: 'other' })
    expect((await store.append([other])).stored).toHaveLength(1)
    gate.resolve()
    expect(await late).toMatchObject({ stored: [{ message: 'late' }], duplicates: 1 })
    shelf.before = () => Promise.reject(new Error('no line'))
    await expect(store.append([known])).rejects.toMatchObject({
      code: 'SWARMLOGS_STORE_UNAVAILABLE',
      message: expect.stringContaining('no line'),
    })
    expect(store.status().writable).toBe(true)
    shelf.before = (_, _name, signal) => new Promise((_resolve, reject) => signal?.addEventListener('abort', reject))
    const waiting = store.append([known])
    await Promise.all([expect(waiting).rejects.toThrow('closed'), store.close()])
    shelf.before = () => {}
    store = await open(dir, shelf)
    expect(await messages()).toEqual(['first', 'late', 'second', 'other'])
  })

  it('is there again when this machine is lost, holds included', async () => {
    await store.runSealing(LATER_MS)
    const days = await archived()
    await store.archive.keep(days.slice(0, 1), 'a case')
    await store.close()
    rmSync(join(dir, 'data'), { recursive: true })
    rmSync(join(dir, 'archive'), { recursive: true })
    store = await open(dir, shelf)
    expect(await archived()).toEqual(days)
    expect((await store.archive.list()).map(({ hold }) => hold?.reason)).toEqual(['a case', undefined])
    expect(linesHere()).toEqual([])
    expect(await messages()).toEqual(['first', 'second'])
  })

  it('opens when neither the archive nor its shelf is there, says so, and has it serve once it can be reached', async () => {
    await store.runSealing(LATER_MS)
    await store.close()
    rmSync(join(dir, 'archive'), { recursive: true })
    const unavailable = new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', 'cannot list the archive: no line')
    shelf.before = () => Promise.reject(unavailable)
    store = await open(dir, shelf)
    expect(store.status()).toMatchObject({ writable: true, absent: expect.stringContaining('no line') })
    expect(store.status().begins).toBeUndefined()
    expect(await messages()).toEqual([])
    const again = recordOf(streamOf('web'), { time: NOON, message: 'second' })
    await expect(store.append([again])).rejects.toMatchObject({ code: 'SWARMLOGS_STORE_UNAVAILABLE' })
    const now = BigInt(Date.now()) * 1_000_000n + 60n * 1_000_000_000n
    expect((await store.append([recordOf(streamOf('web'), { time: now, message: 'now' })])).stored).toHaveLength(1)
    await store.runSealing(LATER_MS)
    await store.runUpkeep()
    expect(existsSync(join(dir, 'archive', 'id'))).toBe(false)
    shelf.before = () => {}
    await store.runUpkeep()
    expect(store.status().absent).toBeUndefined()
    expect(await messages()).toEqual(['first', 'second', 'now'])
    expect((await store.append([again])).duplicates).toBe(1)
    await store.runSealing(LATER_MS)
    expect(await archived()).toHaveLength(3)
  })

  it('is not opened when the shelf refuses: people have to see to that', async () => {
    await store.runSealing(LATER_MS)
    await store.close()
    rmSync(join(dir, 'archive'), { recursive: true })
    shelf.before = () =>
      Promise.reject(new SwarmlogsError('SWARMLOGS_UNAUTHORIZED', 'cannot list: the secret is wrong'))
    await expect(open(dir, shelf)).rejects.toThrow('the secret is wrong')
    shelf.before = () => {}
    store = await open(dir, shelf)
  })

  it('is not opened without the shelf that some of its lines are on alone', async () => {
    await store.runSealing(LATER_MS)
    await store.close()
    await expect(open(dir, undefined)).rejects.toThrow(/are on .*shelf alone: give --archive-s3/)
    store = await open(dir, shelf)
    expect(await messages()).toEqual(['first', 'second'])
  })

  it('removes days from the shelf, too, if not now then later', async () => {
    await store.runSealing(LATER_MS)
    const [first = '', second = ''] = await archived()
    const tried = Promise.withResolvers<void>()
    shelf.before = (call) => {
      if (call !== 'remove') return
      tried.resolve()
      throw new Error('no line')
    }
    await store.archive.remove(first)
    await tried.promise
    expect(await messages()).toEqual(['second'])
    expect((await shelf.all()).some(({ name }) => name.startsWith(first))).toBe(true)
    shelf.before = () => {}
    await reopen()
    expect(await archived()).toEqual([second])
    await expect.poll(async () => (await shelf.all()).some(({ name }) => name.startsWith(first))).toBe(false)
    await expect.poll(() => existsSync(join(dir, 'archive', `${first}.1.removing`))).toBe(false)
  })

  it('fetches a file anew whose local copy is damaged', async () => {
    await store.runSealing(LATER_MS)
    await store.close()
    store = await open(dir, shelf, 2 ** 30)
    expect(await messages()).toEqual(['first', 'second'])
    await store.close()
    for (const name of linesHere()) writeFileSync(join(dir, 'archive', name), 'damaged')
    store = await open(dir, shelf, 2 ** 30)
    expect(await messages()).toEqual(['first', 'second'])
    expect(store.status().damaged).toEqual([])
  })

  it.each([
    ['damaged', (path: string) => writeFileSync(path, 'damaged')],
    ['missing', (path: string) => rmSync(path, { force: true })],
  ])('fetches whatever of a day is %s anew, whenever it can', async (_, harm) => {
    const sender = streamOf('app', { containerId: '', taskId: '', tag: 'app' })
    const foreign = [recordOf(sender, { chunk: 'one', time: NOON + 1n, message: 'third' })]
    await store.append(foreign)
    await store.runSealing(LATER_MS)
    const before = (await store.archive.list()).map(({ manifest }) => manifest)
    await store.close()
    for (const { day } of before)
      for (const name of ['manifest.json', 'manifest.copy.json', 'words', 'chunks.parquet', 'lines-00001.parquet'])
        if (existsSync(join(shelf.root, `${day}.1`, name))) harm(join(dir, 'archive', `${day}.1`, name))
    store = await open(dir, shelf)
    expect((await store.archive.list()).map(({ manifest }) => manifest)).toEqual(before)
    shelf.before = () => Promise.reject(new Error('no line'))
    await expect(store.append(foreign)).rejects.toThrow('no line')
    shelf.before = () => {}
    expect((await store.append(foreign)).stored).toEqual([])
    expect(await messages()).toEqual(['first', 'second', 'third'])
    await store.indexed()
    expect(store.status().damaged).toEqual([])
  })

  describe('the index of words', () => {
    /** How many files of lines are fetched for a word that no line has. */
    const fetchedFor = async (word: string): Promise<number> => {
      let fetched = 0
      shelf.before = (call, name) => {
        if (call === 'get' && name.includes('/lines-')) fetched++
      }
      expect(await collect(store, queryOf({}, { grep: word }))).toEqual([])
      return fetched
    }
    const pathOfWords = async () => join(dir, 'archive', `${(await archived())[0]}.1`, 'words')

    it('is fetched anew when it is found to be damaged while the store is open', async () => {
      await store.runSealing(LATER_MS)
      await store.indexed()
      expect(await fetchedFor('nowhere')).toBe(0)
      const words = readFileSync(await pathOfWords())
      rmSync(await pathOfWords())
      expect(await fetchedFor('nowhere')).toBe(1)
      await store.indexed()
      expect(readFileSync(await pathOfWords())).toEqual(words)
      expect(await fetchedFor('nowhere')).toBe(0)
    })

    it('is fetched anew once that can be done, when it could not as the store was opened', async () => {
      await store.runSealing(LATER_MS)
      const path = await pathOfWords()
      await store.close()
      writeFileSync(path, 'damaged')
      const unavailable = new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', 'no line')
      shelf.before = () => Promise.reject(unavailable)
      store = await open(dir, shelf)
      await store.indexed()
      expect(await fetchedFor('nowhere')).toBe(1)
      await store.indexed()
      expect(readFileSync(path, 'utf8')).toBe('damaged')
      const later = performance.now() + 60_001
      vi.spyOn(performance, 'now').mockImplementation(() => later)
      await store.indexed()
      vi.restoreAllMocks()
      expect(await fetchedFor('nowhere')).toBe(0)
      expect(store.status().damaged).toEqual([])
    })
  })

  it('puts days there that were archived before there was a shelf, and deletes none of them until then', async () => {
    await store.close()
    store = await open(dir, undefined)
    await store.runSealing(LATER_MS)
    await store.close()
    shelf.before = () => Promise.reject(new Error('no line'))
    store = await open(dir, shelf)
    expect(await messages()).toEqual(['first', 'second'])
    expect(linesHere()).toHaveLength(2)
    shelf.before = () => {}
    await reopen()
    await expect.poll(() => linesHere()).toEqual([])
    expect(await messages()).toEqual(['first', 'second'])
    expect((await shelf.all()).filter(({ name }) => name.endsWith('/manifest.json'))).toHaveLength(2)
  })

  it('leaves a shelf alone that belongs to another archive', async () => {
    mkdirSync(shelf.root, { recursive: true })
    writeFileSync(join(shelf.root, 'id'), 'another')
    await store.runSealing(LATER_MS)
    expect(await archived()).toEqual([])
    expect((await shelf.all()).map(({ name }) => name)).toEqual(['id'])
    expect(readFileSync(join(shelf.root, 'id'), 'utf8')).toBe('another')
    expect(await messages()).toEqual(['first', 'second'])
  })

  it('verifies all files of a day, wherever they are', async () => {
    await store.runSealing(LATER_MS)
    const [day = ''] = await archived()
    const found: string[][] = []
    for await (const { name, why } of store.archive.verify(day)) found.push([name, why])
    expect(found).toEqual([
      ['manifest.json', ''],
      ['manifest.copy.json', ''],
      ['lines-00001.parquet', ''],
      ['words', ''],
    ])
    expect(linesHere()).toEqual([])
  })
})

storeContract('embedded, half archived on a shelf', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'swarmlogs-shelf-'))
  const shelf = new FolderShelf(join(dir, 'shelf'))
  const openHalf = async (): Promise<EmbeddedStore> => {
    const store = await open(dir, shelf)
    const append = store.append.bind(store)
    let appends = 0
    store.append = async (records) => {
      const appended = await append(records)
      if (++appends % 2 === 1) await store.runSealing(LATER_MS)
      return appended
    }
    return store
  }
  const under = {
    store: await openHalf(),
    reopen: async () => {
      await under.store.close()
      under.store = await openHalf()
    },
    destroy: async () => {
      await under.store.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
  return under
})
