import { comparePositions, positionOf, type StoredRecord } from '../../../shared/record.ts'
import type { Call } from './calls.ts'
import { storedRecord } from './documents.ts'
import type { Written } from './row-writer.ts'

/** Tells each call which of its records are new, and which will never be taken. */
export function answerCalls(calls: readonly Call[], { rows, refused }: Written, received: bigint): void {
  const records: StoredRecord[][] = calls.map(() => [])
  for (const row of rows) records[row.call]?.push(storedRecord(row, received))
  for (const [index, call] of calls.entries()) {
    const own = records[index] ?? []
    if (!isSorted(own)) own.sort(compare)
    const gaps = refused.get(index)
    const duplicates = call.records.length - call.expired - own.length
    call.resolve({ stored: own, duplicates, received, ...(gaps && { refused: gaps }) })
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
