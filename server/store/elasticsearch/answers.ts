import { comparePositions, positionOf, type StoredRecord } from '../../../shared/record.ts'
import type { Call } from './calls.ts'
import { storedRecord } from './documents.ts'
import type { Row } from './rows.ts'

/** Tells each call which of its records are new. */
export function answerCalls(calls: readonly Call[], stored: readonly Row[], received: bigint): void {
  const records: StoredRecord[][] = calls.map(() => [])
  for (const row of stored) records[row.call]?.push(storedRecord(row, received))
  for (const [index, call] of calls.entries()) {
    const own = records[index] ?? []
    if (!isSorted(own)) own.sort(compare)
    call.resolve({ stored: own, duplicates: call.records.length - call.expired - own.length, received })
  }
}

function isSorted(records: readonly StoredRecord[]): boolean {
  let before: StoredRecord | undefined
  for (const record of records) {
    // The times nearly always tell.
    if (before !== undefined && before.time >= record.time && compare(before, record) > 0) return false
    before = record
  }
  return true
}

function compare(a: StoredRecord, b: StoredRecord): number {
  return comparePositions(positionOf(a), positionOf(b))
}
