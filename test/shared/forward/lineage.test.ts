import { describe, expect, it } from 'vitest'
import {
  hasCommit,
  MAX_OPENINGS,
  type Opening,
  parseCommit,
  parseOpenings,
  printCommit,
  printOpenings,
  withOpening,
} from '../../../shared/forward/lineage.ts'

const openings = [
  { id: 'a', from: 0n },
  { id: 'b', from: 50n },
  { id: 'c', from: 80n },
]

describe('lineage', () => {
  it.each([
    ['of the opening that lasts', 'c', 10n ** 18n, true],
    ['of an earlier one, before the next', 'b', 80n, true],
    ['of an earlier one, behind what was there at the next', 'b', 81n, false],
    ['of an opening that it does not know', 'x', 1n, false],
  ])('a store has a commit %s: %s@%s, %s', (_, opening, at, has) => {
    expect(hasCommit(openings, { opening, at })).toBe(has)
  })

  it('is not taken to lack what may be of an opening before those that it remembers', () => {
    const known = (at: bigint) => hasCommit(openings.slice(1), { opening: 'x', at })
    expect([known(50n), known(51n)]).toEqual([true, false])
  })

  it('is bounded, by what an agent takes at a time', () => {
    let many: readonly Opening[] = openings
    for (let from = 10n ** 18n; from < 10n ** 18n + 2000n; from++) many = withOpening(many, { id: '12345678', from })
    expect([many.length, many.at(-1)?.from]).toEqual([MAX_OPENINGS, 10n ** 18n + 1999n])
    expect(printOpenings(many).length).toBeLessThan(32 * 1024)
  })

  it('comes back from text, and not from text that was changed', () => {
    expect(parseOpenings(printOpenings(openings))).toEqual(openings)
    expect(parseOpenings(printOpenings([]))).toBeUndefined()
    expect(parseCommit(printCommit({ opening: 'a', at: 7n }))).toEqual({ opening: 'a', at: 7n })
    expect(parseCommit(printCommit({ opening: 'a', at: 7n }).replace('7', '6'))).toBeUndefined()
    for (const text of ['', ' ', ' 0', 'a@7']) expect(parseCommit(text)).toBeUndefined()
  })
})
