import { streamFields } from '../../shared/fields.ts'
import type { LogStream, StoredRecord } from '../../shared/record.ts'
import { formatTime } from '../../shared/time.ts'

/** Labels are constant per stream, so their JSON is written once, not once a line. */
const streamTexts = new WeakMap<LogStream, string>()

/** Writes a record as JSON text (ApiRecord), without a newline in it. */
export function recordJson(record: StoredRecord, cursor: string): string {
  const { level, cutFrom, fields } = record
  return (
    `{"@timestamp":"${formatTime(record.time)}","message":${JSON.stringify(record.message)}` +
    `${level === '' ? '' : `,"log.level":"${level}"`},"log.iostream":"${record.source}"` +
    `,"event.received":"${formatTime(record.received)}"${streamText(record.stream)}` +
    `${fields === '' ? '' : `,"fields":${fields}`}${cutFrom === 0 ? '' : `,"truncated_from":${cutFrom}`},"cursor":"${cursor}"}`
  )
}

function streamText(stream: LogStream): string {
  const known = streamTexts.get(stream)
  if (known !== undefined) return known
  const members = JSON.stringify(streamFields(stream)).slice(1, -1)
  const text = members === '' ? '' : `,${members}`
  streamTexts.set(stream, text)
  return text
}
