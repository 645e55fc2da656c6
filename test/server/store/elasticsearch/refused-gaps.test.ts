import { describe, expect, it } from 'vitest'
import type { Outcome, Outcomes } from '../../../../server/store/elasticsearch/bulk-answer.ts'
import { refusedGaps } from '../../../../server/store/elasticsearch/refused-gaps.ts'
import type { Row } from '../../../../server/store/elasticsearch/rows.ts'
import { API, recordOf, WEB } from '../records.ts'

const REFUSED: Outcome = { refused: 'too large' }

function rowOf(time: number, stream = WEB, call = 0): Row {
  return { record: recordOf(stream), entry: { id: stream.service }, call, time: BigInt(time) } as unknown as Row
}

/** What became of the rows; undefined: written. */
function outcomesOf(rows: readonly Row[], outcomes: readonly (Outcome | undefined)[]): Outcomes<Row> {
  const told = rows.map((row, place) => [row, outcomes[place]] as const)
  return new Map(told.filter((one): one is [Row, Outcome] => one[1] !== undefined))
}

const gap = (from: number, to: number, count: number, stream = WEB) => {
  return { stream, from: BigInt(from), to: BigInt(to), reason: 'refused', atLeast: count, atMost: count }
}

describe('gaps of refused lines', () => {
  it('are none when all were taken', () => {
    const rows = [rowOf(1), rowOf(2)]
    expect(refusedGaps(rows, outcomesOf(rows, [undefined, 'exists'])).size).toBe(0)
  })

  it('do not reach over lines of the container that were taken, in whatever order they came', () => {
    const rows = [rowOf(5), rowOf(1), rowOf(2), rowOf(3), rowOf(2, API), rowOf(4)]
    const outcomes = [REFUSED, REFUSED, REFUSED, undefined, undefined, REFUSED]
    expect(refusedGaps(rows, outcomesOf(rows, outcomes))).toEqual(new Map([[0, [gap(1, 2, 2), gap(4, 5, 2)]]]))
  })

  it('are apart by container and call', () => {
    const rows = [rowOf(1), rowOf(2, API), rowOf(3, WEB, 1)]
    expect(refusedGaps(rows, outcomesOf(rows, [REFUSED, REFUSED, REFUSED]))).toEqual(
      new Map([
        [0, [gap(1, 1, 1), gap(2, 2, 1, API)]],
        [1, [gap(3, 3, 1)]],
      ]),
    )
  })

  it('are twenty of a container at most: the last reaches to the end', () => {
    const rows = Array.from({ length: 100 }, (_, index) => rowOf(index))
    const outcomes = rows.map((_, index) => (index % 2 === 0 ? REFUSED : undefined))
    const gaps = refusedGaps(rows, outcomesOf(rows, outcomes)).get(0) ?? []
    expect(gaps).toHaveLength(20)
    expect(gaps.at(-1)).toEqual(gap(38, 98, 31))
  })
})
