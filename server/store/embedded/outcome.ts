import { setImmediate as nextTurn } from 'node:timers/promises'
import { comparePositions, type LogRecord, positionOf, type StoredRecord } from '../../../shared/record.ts'
import type { Appended } from '../store.ts'
import type { Row } from './rows.ts'

const TURN = 4096

/** One append, as far as its outcome is concerned. */
interface Call {
  readonly records: readonly LogRecord[]
  readonly expired: number
}

/** What became of each call. */
export async function appendedOf(calls: readonly Call[], rows: readonly Row[], received: bigint): Promise<Appended[]> {
  const stored: StoredRecord[][] = calls.map(() => [])
  for (const [index, row] of rows.entries()) {
    stored[row.call]?.push(storedRecord(row, received))
    if (index % TURN === TURN - 1) await nextTurn()
  }
  return calls.map((call, index) => {
    const own = stored[index] ?? []
    if (!isSorted(own)) own.sort((a, b) => comparePositions(positionOf(a), positionOf(b)))
    return { stored: own, duplicates: call.records.length - call.expired - own.length, received }
  })
}

/** The record as a search would give it. */
function storedRecord({ record, entry, time, ordinal }: Row, received: bigint): StoredRecord {
  const { source, message, cutFrom, headMissing, level, fields } = record
  const { stream } = entry
  return { stream, source, time, ordinal, message, cutFrom, headMissing, chunk: '', level, fields, received }
}

function isSorted(records: readonly StoredRecord[]): boolean {
  for (const [index, record] of records.entries()) {
    const before = records[index - 1]
    if (before !== undefined && comparePositions(positionOf(before), positionOf(record)) > 0) return false
  }
  return true
}
