import { describe, expect, it } from 'vitest'
import { account, type StoredLine } from './account.ts'
import type { ToldGap } from './gap-ledger.ts'

const BORN = 1_700_000_000_000_000_000n
const MS = 1_000_000n
const COUNT = 1_000
const YEAR = 365n * 86_400_000n

/** A line of each source every 2 ms; the engine takes each 1 ms later. */
const at = (line: number) => BORN + BigInt(2 * line) * MS
const lines = (source: string) => Array.from({ length: COUNT }, (_, i) => `${source} ${i}`)
const times = Array.from({ length: COUNT }, (_, i) => at(i))
const PRINTED = { stdout: { lines: lines('stdout'), times }, stderr: { lines: lines('stderr'), times } }
const stamp = (line: number) => at(line) + MS

function judge(isLost: (line: number) => boolean, gaps: readonly ToldGap[]) {
  const left = Array.from({ length: COUNT }, (_, i) => i).filter((line) => !isLost(line))
  const stored = (['stdout', 'stderr'] as const).flatMap((source) =>
    left.map((line): StoredLine => ({ source, time: stamp(line), message: `${source} ${line}` })),
  )
  const { untold, wrongGaps, wideGaps, doubts, missing } = account(PRINTED, { lines: stored, gaps }, BORN)
  return { untold, wrongGaps, wideGaps, doubts, missing }
}

const amid = (from: number, to: number) => (line: number) => line >= from && line <= to
const gap = (from: bigint, to: bigint, atLeast = 0, atMost?: number): ToldGap => {
  return { from, to, atLeast, ...(atMost !== undefined && { atMost }) }
}

describe('account', () => {
  it.each([
    ['nothing is lost', amid(1, 0), [], { missing: 0 }],
    ['a gap between the stored neighbours', amid(1, 998), [gap(stamp(0), stamp(999))], { missing: 1996 }],
    [
      'a gap from the first to the last lost line',
      amid(1, 998),
      [gap(stamp(1), stamp(998), 1996, 1996)],
      { missing: 1996 },
    ],
    ['a gap up to the end', amid(500, 999), [gap(stamp(499), stamp(2000))], { missing: 1000 }],
    ['a gap of the one lost line', amid(500, 500), [gap(stamp(500), stamp(500), 2, 2)], { missing: 2 }],
    ['a doubt between neighbours', amid(1, 0), [gap(stamp(4), stamp(5))], { missing: 0, doubts: 1 }],
    ['no gap at all', amid(400, 599), [], { missing: 400, untold: 400 }],
    // Within 50 ms and the ms that the engine was late lie 26 lines of each source.
    ['a gap of no length at one end', amid(1, 998), [gap(stamp(0), stamp(0))], { missing: 1996, untold: 2 * 972 }],
    ['a gap of half of it', amid(1, 998), [gap(stamp(0), stamp(500))], { missing: 1996, untold: 2 * 472 }],
    [
      'one of two holes',
      (line: number) => line === 100 || line === 900,
      [gap(stamp(99), stamp(101))],
      { missing: 4, untold: 2 },
    ],
    ['a gap of years', amid(500, 500), [gap(BORN - 31n * YEAR * MS, stamp(501))], { missing: 2, wideGaps: 1 }],
    ['a gap over stored lines', amid(500, 500), [gap(BORN, stamp(999))], { missing: 2, wideGaps: 1 }],
    [
      'a gap that ends in the future',
      amid(500, 999),
      [gap(stamp(499), BORN + 31n * YEAR * MS)],
      { missing: 1000, wideGaps: 1 },
    ],
    ['a doubt over stored lines', amid(1, 0), [gap(stamp(0), stamp(999))], { missing: 0, doubts: 1, wideGaps: 1 }],
    [
      'a doubt about the whole node',
      amid(1, 0),
      [{ ...gap(stamp(0), stamp(999)), isOfNode: true }],
      { missing: 0, doubts: 1 },
    ],
    ['too many', amid(500, 509), [gap(stamp(499), stamp(510), 21)], { missing: 20, wrongGaps: 1 }],
    ['too few', amid(500, 509), [gap(stamp(499), stamp(510), 0, 19)], { missing: 20, wrongGaps: 1 }],
    ['one that is not there', amid(1, 0), [gap(stamp(4), stamp(5), 1)], { missing: 0, wrongGaps: 1 }],
    [
      'what one gap tells of too many, another of too few',
      (line: number) => amid(100, 109)(line) || amid(800, 809)(line),
      [gap(stamp(99), stamp(110), 25, 25), gap(stamp(799), stamp(810), 15, 15)],
      { missing: 40, wrongGaps: 2 },
    ],
  ])('judges %s', (_, isLost, gaps, wanted) => {
    expect(judge(isLost, gaps)).toEqual({ untold: 0, wrongGaps: 0, wideGaps: 0, doubts: 0, ...wanted })
  })
})
