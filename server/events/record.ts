import type { EVENT_BOUNDS } from '../../shared/api/record.ts'
import { LEVELS, type Level, type StoredRecord } from '../../shared/record.ts'
import { lineMatches } from '../query/filter.ts'
import { mergedFields } from '../query/merged-fields.ts'
import type { Filter } from '../query/query.ts'
import type { EventLines } from './group.ts'

/** Where an event ends though it may go on: so many lines, so long a text, so long a time; too much waited for it; a tail waited long enough. */
export type EventBound = (typeof EVENT_BOUNDS)[number]

/**
 * An event as one record: the place of its first line, all of the text, the most severe level, and the fields of all lines, each with the value of
 * the first line that has it.
 */
export interface EventRecord extends StoredRecord {
  readonly lines: readonly StoredRecord[]
  /** It goes on with the event before it, which ended at this bound. */
  readonly continued?: EventBound
}

const RANKS: readonly Level[] = LEVELS

/** An event that the filter takes, undefined when it does not: what it asks for may stand in any of the lines. */
export function matchingEvent(filter: Filter, event: EventLines): EventRecord | undefined {
  const [first] = event.lines
  if (event.lines.length === 1 && first !== undefined)
    return lineMatches(filter, first) ? eventRecord(event) : undefined
  const record = eventRecord(event)
  return lineMatches(filter, record) ? record : undefined
}

/** The line that an event goes by where its kind is asked about, its first one; a line is its own. */
export function headOf(record: StoredRecord | EventRecord): StoredRecord {
  return 'lines' in record ? (record.lines[0] ?? record) : record
}

/** Makes one record of an event's lines. */
function eventRecord(event: EventLines): EventRecord {
  const { lines } = event
  const [first] = lines
  if (first === undefined) throw new Error('BUG: an event without lines')
  if (lines.length === 1) return { ...first, ...event }
  const level = lines.reduce<Level>((most, one) => (rank(one.level) > rank(most) ? one.level : most), '')
  const message = lines.map((line) => line.message).join('\n')
  const fields = mergedFields(lines.map((line) => line.fields))
  return { ...first, message, level, fields, cutFrom: lengthOfCut(lines), ...event }
}

/** Length in bytes of the whole event, where any of its lines was cut; else 0. */
function lengthOfCut(lines: readonly StoredRecord[]): number {
  if (lines.every(({ cutFrom }) => cutFrom === 0)) return 0
  return lines.reduce((sum, { cutFrom, message }) => sum + 1 + (cutFrom || Buffer.byteLength(message)), -1)
}

function rank(level: Level): number {
  return RANKS.indexOf(level)
}
