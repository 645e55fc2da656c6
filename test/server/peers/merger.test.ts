import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Merger } from '../../../server/peers/merger.ts'
import type { Appended } from '../../../server/store/store.ts'
import { recordOf, streamOf } from '../store/records.ts'

const WEB = streamOf('web')

describe('Merger', () => {
  it('shows the commits of all servers in their order, each once, whatever comes first', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 5 }), fc.nat(3)), { maxLength: 60 }),
        (steps) => {
          const { merger, shown, own } = setUp()
          const promises = [1n, 1n]
          for (const id of ['a', 'b']) merger.arrive(id, undefined, 0)
          const made: bigint[] = []
          for (const [writer, gap, wait] of steps) {
            const next = (writer === 2 ? own.promise : (promises[writer] ?? 1n)) + BigInt(gap)
            made.push(next)
            merger.commit(commit(next), 0, writer === 2 ? undefined : 'ab'[writer])
            if (writer === 2) own.promise = next
            else promises[writer] = next
            for (const [place, id] of ['a', 'b'].entries())
              if (wait !== place) merger.promise(id, promises[place] ?? 1n)
            merger.advance()
            for (const promise of [own.promise, ...promises]) expect(merger.safe).toBeLessThanOrEqual(promise)
            expect(shown).toEqual(made.filter((one) => one <= merger.safe).sort(compare))
          }
        },
      ),
    )
  })

  it('waits for the first promise of a new server', () => {
    const { merger, shown, own } = setUp()
    merger.arrive('a', undefined, 0)
    merger.commit(commit(5n), 0)
    own.promise = 9n
    merger.advance()
    expect(shown).toEqual([])
    merger.promise('a', 7n)
    merger.advance()
    expect(shown).toEqual([5n])
    expect(merger.safe).toBe(7n)
  })

  it('gives up waiting for a server that is away, and says that something may be missed', () => {
    const { merger, shown, own, told } = setUp()
    merger.arrive('a', undefined, 0)
    merger.promise('a', 3n)
    merger.commit(commit(5n), 0)
    own.promise = 9n
    merger.away('a', 1000)
    expect(merger.check(3900)).toEqual([])
    expect(merger.check(4100)).toEqual(['a'])
    // The tails read the store, which has what was held, too.
    expect({ shown, told, safe: merger.safe, doubt: merger.doubtAfter }).toEqual({
      ...{ shown: [], told: ['missed'], safe: 9n, doubt: 3n },
    })
    merger.arrive('a', undefined, 5000)
    merger.commit(commit(4n), 5000, 'a')
    expect(told).toEqual(['missed', 'late 4'])
    merger.promise('a', 9n)
    expect(merger.doubtAfter).toBeUndefined()
  })

  it('gives up waiting for a server that is there and does not get on, but not for an idle one', () => {
    const { merger, own } = setUp()
    merger.arrive('a', undefined, 0)
    merger.promise('a', 3n)
    own.promise = 9n
    expect(merger.check(100_000)).toEqual([])
    merger.commit(commit(5n), 100_000)
    expect(merger.check(102_000)).toEqual([])
    expect(merger.check(104_000)).toEqual(['a'])
  })

  it('takes again what a server announced after its last promise before it was away', () => {
    const { merger, shown, own } = setUp()
    own.promise = 9n
    merger.arrive('a', undefined, 0)
    merger.promise('a', 3n)
    merger.commit(commit(5n), 0, 'a')
    merger.away('a', 0)
    merger.arrive('a', undefined, 0)
    merger.commit(commit(5n), 0, 'a')
    merger.promise('a', 6n)
    merger.advance()
    expect(shown).toEqual([5n])
  })

  it('has the tails read the store for what a server cannot announce any more', () => {
    const { merger, shown, own, told } = setUp()
    own.promise = 20n
    merger.arrive('a', 8n, 0)
    merger.promise('a', 5n)
    merger.advance()
    expect(merger.safe).toBe(1n)
    merger.promise('a', 12n)
    merger.advance()
    expect({ shown, told, safe: merger.safe }).toEqual({ shown: [], told: ['missed'], safe: 12n })
  })

  it('does not wait for a server that has said goodbye', () => {
    const { merger, shown, own, told } = setUp()
    merger.arrive('a', undefined, 0)
    merger.commit(commit(5n), 0, 'a')
    own.promise = 9n
    merger.leave('a')
    merger.advance()
    expect({ shown, told }).toEqual({ shown: [5n], told: [] })
  })

  it('forgets what waits rather than hold too much of it', () => {
    const { merger, shown, own, told } = setUp()
    merger.arrive('a', undefined, 0)
    for (let received = 2n; received < 42n; received++) merger.commit(commit(received, 'x'.repeat(2 ** 21)), 0)
    own.promise = 50n
    merger.promise('a', 50n)
    merger.advance()
    expect({ shown, told, safe: merger.safe }).toEqual({ shown: [], told: ['missed'], safe: 50n })
  })
})

function setUp() {
  const shown: bigint[] = []
  const told: string[] = []
  const own = { promise: 1n }
  const merger = new Merger(1n, () => own.promise, {
    publish: ({ received }) => shown.push(received),
    late: ({ received }) => told.push(`late ${received}`),
    missed: () => told.push('missed'),
  })
  return { merger, shown, told, own }
}

function commit(received: bigint, message = 'x'): Appended {
  return { stored: [{ ...recordOf(WEB, { message }), received }], received, duplicates: 0 }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
