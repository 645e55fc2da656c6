import type { Gap } from '../../../shared/gap.ts'
import type { Outcomes } from './bulk-answer.ts'
import type { Row } from './rows.ts'

/** So many gaps of a container come of one call; what is refused further on makes the last one longer. */
const MAX_RUNS = 20

interface Told {
  readonly row: Row
  readonly isRefused: boolean
}

/**
 * The gaps of the lines that the cluster will never take, by call: one for those of a container that follow each other. Calls are told apart, so that what is sent
 * again makes the same gaps.
 */
export function refusedGaps(rows: readonly Row[], outcomes: Outcomes<Row>): ReadonlyMap<number, readonly Gap[]> {
  const found = new Map<number, Gap[]>()
  if (![...outcomes.values()].some((outcome) => typeof outcome === 'object')) return found
  const groups = Map.groupBy(
    rows.map((row): Told => ({ row, isRefused: typeof outcomes.get(row) === 'object' })),
    ({ row }) => JSON.stringify([row.call, row.entry.id]),
  )
  for (const told of groups.values()) {
    const [first] = told
    if (first === undefined || !told.some(({ isRefused }) => isRefused)) continue
    const { call } = first.row
    found.set(call, [...(found.get(call) ?? []), ...runsOf(told)])
  }
  return found
}

function runsOf(told: readonly Told[]): Gap[] {
  const runs: Gap[] = []
  let isRun = false
  for (const { row, isRefused } of told.toSorted(byTime)) {
    const { record, time } = row
    const last = runs.at(-1)
    if (isRefused && last !== undefined && (isRun || runs.length === MAX_RUNS)) {
      const count = last.atLeast + 1
      runs[runs.length - 1] = { ...last, to: time, atLeast: count, atMost: count }
    } else if (isRefused) {
      runs.push({ stream: record.stream, from: time, to: time, reason: 'refused', atLeast: 1, atMost: 1 })
    }
    isRun = isRefused
  }
  return runs
}

function byTime({ row: a }: Told, { row: b }: Told): number {
  if (a.time === b.time) return 0
  return a.time < b.time ? -1 : 1
}
