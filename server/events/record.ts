import type { EVENT_BOUNDS } from '../../shared/api.ts'
import { LEVELS, type Level, type StoredRecord } from '../../shared/record.ts'
import { lineMatches } from '../query/filter.ts'
import { lineFields } from '../query/named-field.ts'
import type { Filter } from '../query/query.ts'
import type { EventLines } from './group.ts'

/** Where an event ends though it may go on: so many lines, so long a text, so long a time; too much waited for it; a tail waited long enough. */
export type EventBound = (typeof EVENT_BOUNDS)[number]

/** An event as one record: the place and fields of its first line, all of the text, the most severe level. */
export interface EventRecord extends StoredRecord {
  readonly lines: readonly StoredRecord[]
  /** It goes on with the event before it, which ended at this bound. */
  readonly continued?: EventBound
}

const RANKS: readonly Level[] = LEVELS

/** Makes one record of an event's lines. */
function eventRecord(event: EventLines): EventRecord {
  const { lines } = event
  const [first] = lines
  if (first === undefined) throw new Error('BUG: an event without lines')
  if (lines.length === 1) return { ...first, ...event }
  const level = lines.reduce<Level>((most, one) => (rank(one.level) > rank(most) ? one.level : most), '')
  return { ...first, message: lines.map(({ message }) => message).join('\n'), level, ...event }
}

/** An event that the filter takes, undefined when it does not: what it asks for may stand in any of the lines. */
export function matchingEvent(filter: Filter, event: EventLines): EventRecord | undefined {
  const [first] = event.lines
  if (event.lines.length === 1 && first !== undefined)
    return lineMatches(filter, first) ? eventRecord(event) : undefined
  const record = eventRecord(event)
  return lineMatches(filter, { ...record, fields: allFields(record) }) ? record : undefined
}

/** The fields of all lines; of those with one name the first. */
function allFields({ fields, lines }: EventRecord): string {
  const others = lines.filter((line, index) => index > 0 && line.fields !== '')
  if (others.length === 0) return fields
  const all: Record<string, unknown> = { ...lineFields(fields) }
  for (const line of others) for (const [name, value] of Object.entries(lineFields(line.fields))) all[name] ??= value
  return JSON.stringify(all)
}

function rank(level: Level): number {
  return RANKS.indexOf(level)
}
