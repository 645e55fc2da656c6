import { comparePositions, type Position, positionOf, type StoredRecord } from '../../../shared/record.ts'
import { taskKey } from '../labels.ts'

/** A clock that is ahead by more does not own the newest lines: they count by their arrival. */
const MINUTE = 60_000_000_000n

/** Total order of records. */
export function compareRecords(a: StoredRecord, b: StoredRecord): number {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1
  return comparePositions(positionOf(a), positionOf(b))
}

/** Whether the clock of the line ran ahead. */
export function isAhead({ time, received }: StoredRecord): boolean {
  return time > received + MINUTE
}

/** The place of a record among the newest: its time is that of its arrival where its clock ran ahead. */
export interface Arrival extends Position {
  /** The record's own time, which decides between lines that arrived together. */
  readonly own: bigint
}

/** The place of a record among the newest. */
export function arrivalOf(record: StoredRecord): Arrival {
  const time = isAhead(record) ? record.received : record.time
  return { ...positionOf(record), time, own: record.time }
}

/** Order of arrival. */
export function compareArrivals(a: Arrival, b: Arrival): number {
  return comparePositions(a, b) || (a.own === b.own ? 0 : a.own < b.own ? -1 : 1)
}

/** Whose newest N a line is counted among. */
export function groupOf({ stream }: Pick<StoredRecord, 'stream'>, perTask: boolean): string {
  return perTask ? taskKey(stream) : ''
}
