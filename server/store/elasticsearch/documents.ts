import { STREAM_FIELDS } from '../../../shared/fields.ts'
import { LEVELS, type Level, type LogStream, type StoredRecord } from '../../../shared/record.ts'
import type { Body } from './body.ts'
import { indexedFields } from './fields.ts'
import { MAX_HEAD, MAX_TOKEN } from './mapping.ts'
import type { Row } from './rows.ts'
import type { Entry } from './streams.ts'
import { timeOf, timestampOf } from './times.ts'

/** What may be part of one token; these always end one. */
const LONG_TOKEN = new RegExp(`[^ \\t\\n\\r!#$%&()*+\\-/<=>?@[\\\\\\]^\`{|}~]{${MAX_TOKEN}}`)

/** A line as it is found; members that a line has no use for are absent. */
export interface Source {
  readonly '@timestamp': string
  readonly message: string
  readonly 'log.iostream': 'stdout' | 'stderr'
  readonly 'log.level'?: string
  readonly fields?: object
  readonly 'swarmlogs.stream': string
  readonly 'swarmlogs.ordinal': number
  /** Text, as JSON's numbers have no 64 bits. */
  readonly 'swarmlogs.received': string
  readonly 'swarmlogs.before_1970'?: string
  readonly 'swarmlogs.ahead'?: true
  readonly 'swarmlogs.head_missing'?: true
  readonly 'swarmlogs.cut_from'?: number
  readonly 'swarmlogs.fields_text'?: string
  /** The texts in full where they are long, and together so many characters. */
  readonly 'swarmlogs.whole'?: string
  readonly 'swarmlogs.fields_whole'?: string
  readonly 'swarmlogs.long'?: number
}

/** The members to ask for; those of long texts are not among them. */
export const PLACE_MEMBERS = [
  ...['@timestamp', 'log.iostream'],
  ...['stream', 'ordinal', 'received', 'before_1970', 'ahead'].map((name) => `swarmlogs.${name}`),
]
export const PRINTED_MEMBERS = [...PLACE_MEMBERS, 'message', 'swarmlogs.long']
export const RECORD_MEMBERS = [
  ...PRINTED_MEMBERS,
  ...['log.level', 'fields', 'swarmlogs.head_missing', 'swarmlogs.cut_from', 'swarmlogs.fields_text'],
]

/** Bytes of a document beside its texts and labels, roughly. */
const FRAME_SIZE = 192

/** How many bytes the row's document has, roughly. */
export function documentSize({ record: { message, fields }, entry }: Row): number {
  const once = message.length + fields.length
  return FRAME_SIZE + once + (once > MAX_HEAD ? once : 0) + entry.members.length
}

/** Writes the row's document as a line of JSON; `received` is the text of the commit's number. */
export function writeDocument(body: Body, row: Row, received: string): void {
  const { record, time, ordinal } = row
  const message = record.message.toWellFormed()
  body.text(
    `{"@timestamp":"${timestampOf(time)}","message":${JSON.stringify(headOf(message))},"log.iostream":"${record.source}"` +
      `${record.level === '' ? '' : `,"log.level":"${record.level}"`}${indexedFields(record.fields)},`,
  )
  body.raw(row.entry.members)
  body.text(`,"swarmlogs.ordinal":${ordinal},"swarmlogs.received":"${received}"${rareMembers(row, message)}}`)
}

/** What most lines do not have. */
function rareMembers({ record, time, isAhead }: Row, message: string): string {
  const { fields, headMissing, cutFrom } = record
  const isLong = message.length > MAX_HEAD || fields.length > MAX_HEAD
  return (
    `${time < 0n ? `,"swarmlogs.before_1970":"${time}"` : ''}${isAhead ? ',"swarmlogs.ahead":true' : ''}` +
    `${headMissing ? ',"swarmlogs.head_missing":true' : ''}${cutFrom === 0 ? '' : `,"swarmlogs.cut_from":${cutFrom}`}` +
    `${message.length > MAX_TOKEN && LONG_TOKEN.test(message) ? ',"swarmlogs.long_token":true' : ''}` +
    `${isLong ? wholeTexts(message, fields.toWellFormed()) : ''}`
  )
}

function wholeTexts(message: string, fields: string): string {
  const parts = [
    message.length > MAX_HEAD && `,"swarmlogs.whole":${JSON.stringify(message)}`,
    fields.length > MAX_HEAD && `,"swarmlogs.fields_whole":${JSON.stringify(fields)}`,
    `,"swarmlogs.long":${message.length + fields.length}`,
  ]
  return parts.filter((part) => part !== false).join('')
}

/** As much of a long text as stands in the line itself; never half a surrogate pair. */
export function headOf(text: string): string {
  return text.length <= MAX_HEAD ? text : text.slice(0, MAX_HEAD).replace(/[\ud800-\udbff]$/, '')
}

/** The record of a line that was found. */
export function recordOf(source: Source, entry: Entry): StoredRecord {
  const time = storedTime(source)
  return {
    stream: entry.stream,
    source: source['log.iostream'],
    time,
    ordinal: source['swarmlogs.ordinal'],
    message: source['swarmlogs.whole'] ?? source.message,
    cutFrom: source['swarmlogs.cut_from'] ?? 0,
    headMissing: source['swarmlogs.head_missing'] ?? false,
    chunk: '',
    level: levelOf(source['log.level']),
    fields: fieldsOf(source),
    received: BigInt(source['swarmlogs.received']),
  }
}

/** The time of a line that was found. */
export function storedTime(source: Source): bigint {
  const before = source['swarmlogs.before_1970']
  return before === undefined ? timeOf(source['@timestamp']) : BigInt(before)
}

/** The record of a row as a search will give it. */
export function storedRecord({ record, entry, time, ordinal }: Row, received: bigint): StoredRecord {
  const { source, message, cutFrom, headMissing, level, fields } = record
  const { stream } = entry
  return { stream, source, time, ordinal, message, cutFrom, headMissing, chunk: '', level, fields, received }
}

/** The labels that a line carries itself: what is left when the note of its stream is lost. */
export function streamOf(source: Readonly<Record<string, unknown>>): LogStream {
  const labels: Record<string, unknown> = {}
  for (const [name, label] of Object.entries(STREAM_FIELDS)) labels[label] = source[name]
  const text = (label: keyof LogStream): string => (typeof labels[label] === 'string' ? labels[label] : '')
  return {
    ...{ cluster: text('cluster'), nodeId: text('nodeId'), nodeName: text('nodeName'), stack: text('stack') },
    ...{ service: text('service'), serviceId: text('serviceId'), taskId: text('taskId'), taskName: text('taskName') },
    slot: typeof labels.slot === 'number' ? labels.slot : 0,
    ...{ containerId: text('containerId'), containerName: text('containerName'), image: text('image') },
    attributes: {},
    tag: text('tag'),
  }
}

function fieldsOf(source: Source): string {
  const text = source['swarmlogs.fields_whole'] ?? source['swarmlogs.fields_text']
  if (text !== undefined) return text
  return source.fields === undefined ? '' : JSON.stringify(source.fields)
}

/** The level of a line that was found. */
export function levelOf(text: string | undefined): Level {
  return LEVELS.find((level) => level === text) ?? ''
}
