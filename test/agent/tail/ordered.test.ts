import { describe, expect, it } from 'vitest'
import type { Line } from '../../../agent/lines.ts'
import { isOrderedFrom, orderedFrom } from '../../../agent/tail/ordered.ts'
import type { HistoryProgress, Progress } from '../../../agent/tail/piece.ts'
import { BEGINNING, type Position } from '../../../agent/tail/place.ts'

const position = (second: number): Position => ({ ...BEGINNING, last: { stdout: [second, 5, 0] } })
const lines = (...seconds: number[]) => seconds.map((one) => ({ seconds: one, nanos: 0 }) as Line)
const history: HistoryProgress = { stop: [], behind: 0, size: 1, horizon: [0, 0] }

describe('lines come in order', () => {
  it.each<[string, Progress, number | undefined]>([
    ['from the first one on when there is no history', { live: position(9) }, 0],
    ['not while history is read', { live: position(9), history }, undefined],
    ['from when history was read to its end', { live: position(9), history: null, orderedFrom: 5 }, 5],
    ['as far as an older agent knew, not', { live: position(9), history: null }, undefined],
  ])('%s', (_, progress, expected) => {
    expect(isOrderedFrom(progress)).toBe(expected)
  })

  it.each<[string, Progress, Progress, readonly Line[], number | undefined]>([
    ['once the history is read', { live: position(9), history }, { history: null }, lines(1, 2), 10],
    [
      'once all was in one window',
      { live: position(9), history },
      { live: position(12), history: null },
      lines(12),
      13,
    ],
    [
      'as before, while the clock goes on',
      { live: position(9), orderedFrom: 4 },
      { live: position(12) },
      lines(9, 12),
      4,
    ],
    [
      'as before, while only the sources are out of order',
      { live: position(9) },
      { live: position(9) },
      lines(8, 9),
      undefined,
    ],
    ['behind the newest line, when the clock steps back', { live: position(9) }, { live: position(5) }, lines(5), 10],
    [
      'behind the newest line, when it steps back amid them',
      { live: position(9) },
      { live: position(5) },
      lines(20, 5),
      21,
    ],
    ['as before, when history is read', { live: position(9), history }, { history }, lines(1, 2), undefined],
  ])('%s', (_, before, progress, read, expected) => {
    expect(orderedFrom(before, { lines: read, progress })).toBe(expected)
  })
})
