import { describe, expect, it } from 'vitest'
import { GapTable, gapKey } from '../../../server/store/gap-table.ts'
import { API, gapOf, NOON, streamOf, WEB } from './records.ts'

const manyOf = (stream: typeof WEB, count: number, atMost?: number) =>
  Array.from({ length: count }, (_, index) =>
    gapOf(stream, { from: NOON + BigInt(index) * 10n, to: NOON + BigInt(index) * 10n + 5n, ...(atMost && { atMost }) }),
  )

describe('GapTable at its bound', () => {
  it('makes neighbours of one container and reason one, and covers all that it covered', () => {
    const table = new GapTable(8)
    const change = table.put([...manyOf(WEB, 8, 2), gapOf(API)])
    expect(table.size).toBe(6)
    expect(change.written).toHaveLength(6)
    expect(change.removed).toHaveLength(3)
    const left = table.in({})
    expect(left.reduce((sum, { atLeast }) => sum + atLeast, 0)).toBe(9)
    expect(left.find(({ stream }) => stream === WEB)).toEqual(gapOf(WEB, { to: NOON + 15n, atLeast: 2, atMost: 4 }))
    expect(left).toContainEqual(gapOf(API))
  })

  it('does not know how many at most when it did not know of one', () => {
    const table = new GapTable(1)
    table.put([gapOf(WEB, { atMost: 3 }), gapOf(WEB, { from: NOON + 1n })])
    expect(table.in({})).toEqual([gapOf(WEB, { atLeast: 2 })])
  })

  it('forgets the oldest where nothing can be merged', () => {
    const table = new GapTable(3)
    const gaps = Array.from({ length: 5 }, (_, index) => gapOf(streamOf(`s${index}`), { from: NOON + BigInt(index) }))
    const { written, removed } = table.put(gaps)
    expect(written).toEqual(gaps.slice(2))
    expect(removed).toEqual(gaps.slice(0, 2).map(gapKey))
  })
})
