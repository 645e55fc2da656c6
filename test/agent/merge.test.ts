import { describe, expect, it } from 'vitest'
import { Merge } from '../../agent/merge.ts'

interface Item {
  readonly from: string
  readonly bytes: number
}

const merge = () => new Merge<Item>(({ bytes }) => bytes)

/** A source that counts how far it was pulled. */
class Counted {
  pulled = 0
  readonly #from: string
  readonly #count: number
  readonly #bytes: number

  constructor(from: string, count: number, bytes = 1) {
    this.#from = from
    this.#count = count
    this.#bytes = bytes
  }

  async *items(): AsyncGenerator<Item> {
    while (this.pulled < this.#count) {
      this.pulled += 1
      yield { from: this.#from, bytes: this.#bytes }
    }
  }
}

async function take(items: AsyncIterator<Item>, count: number): Promise<string> {
  let taken = ''
  for (let i = 0; i < count; i++) taken += (await items.next()).value?.from ?? '.'
  return taken
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('Merge', () => {
  it('lets sources that are ready take turns', async () => {
    const merged = merge()
    for (const from of 'abc') merged.add(new Counted(from, 10).items(), 'urgent', () => undefined)
    expect(await take(merged, 9)).toBe('abcabcabc')
  })

  it('takes urgent items first, but not for ever', async () => {
    const merged = merge()
    merged.add(new Counted('h', 100).items(), 'patient', () => undefined)
    merged.add(new Counted('l', 100).items(), 'urgent', () => undefined)
    await settled()
    const taken: string[] = []
    for (let i = 0; i < 40; i++) {
      taken.push((await merged.next()).value?.from ?? '.')
      await settled()
    }
    expect(taken.join('')).toBe('llllllllhllllllllhllllllllhllllllllhllll')
  })

  it('reads one item ahead of each source, and none when those hold too many bytes', async () => {
    const merged = merge()
    const sources = Array.from({ length: 20 }, () => new Counted('x', 10, 1024 * 1024))
    for (const source of sources) merged.add(source.items(), 'urgent', () => undefined)
    await settled()
    expect(sources.map(({ pulled }) => pulled)).toEqual(Array(20).fill(1))
    for (let i = 0; i < 5; i++) {
      await merged.next()
      await settled()
    }
    expect(sources.reduce((sum, { pulled }) => sum + pulled, 0)).toBe(20)
    expect((await take(merged, 195)).length).toBe(195)
  })

  it('says when a source has ended or failed, and goes on with the others', async () => {
    const merged = merge()
    const ends: unknown[] = []
    const broken = (async function* (): AsyncGenerator<Item> {
      yield { from: 'b', bytes: 1 }
      throw new Error('broken')
    })()
    merged.add(broken, 'urgent', (error) => ends.push(error))
    merged.add(new Counted('a', 2).items(), 'urgent', (error) => ends.push(error))
    expect(await take(merged, 3)).toBe('baa')
    const waiting = merged.next()
    await settled()
    expect(ends).toEqual([new Error('broken'), undefined])
    merged.close()
    expect(await waiting).toEqual({ done: true, value: undefined })
  })

  it('hands on what is ready after it was closed', async () => {
    const merged = merge()
    merged.add(new Counted('a', 5).items(), 'urgent', () => undefined)
    await settled()
    merged.close()
    expect((await merged.next()).value?.from).toBe('a')
  })
})
