import { streamFields } from '../../shared/fields.ts'
import type { LogStream, StoredRecord } from '../../shared/record.ts'
import { formatTime } from '../../shared/time.ts'
import type { EventRecord } from '../events/record.ts'

/** Labels are constant per stream, so their JSON is written once, not once a line; the Swarm of a worker's stream may be learned later. */
const streamTexts = new WeakMap<LogStream, { readonly cluster: string; readonly text: string }>()

/** Writes a record as JSON text (ApiRecord), without a newline in it; `clusterOf` tells a stream's Swarm. */
export function recordJson(
  record: StoredRecord | EventRecord,
  cursor: string,
  clusterOf: (stream: LogStream) => string,
): string {
  const { level, cutFrom, fields } = record
  return (
    `{"@timestamp":"${formatTime(record.time)}","message":${JSON.stringify(record.message)}` +
    `${level === '' ? '' : `,"log.level":"${level}"`},"log.iostream":"${record.source}"` +
    `,"event.received":"${receivedText(record.received)}"${streamText(record.stream, clusterOf(record.stream))}` +
    `${fields === '' ? '' : `,"fields":${fields}`}${cutFrom === 0 ? '' : `,"truncated_from":${cutFrom}`}` +
    `${'lines' in record ? eventText(record) : ''},"cursor":"${cursor}"}`
  )
}

let lastReceived = 0n
let lastText = formatTime(0n)

/** Lines are committed many at a time. */
function receivedText(received: bigint): string {
  if (received !== lastReceived) {
    lastText = formatTime(received)
    lastReceived = received
  }
  return lastText
}

function eventText({ lines, continued }: EventRecord): string {
  return `,"event_lines":${lines.length}${continued === undefined ? '' : `,"event_continued":"${continued}"`}`
}

function streamText(stream: LogStream, cluster: string): string {
  const known = streamTexts.get(stream)
  if (known?.cluster === cluster) return known.text
  const members = JSON.stringify(streamFields({ ...stream, cluster })).slice(1, -1)
  const text = members === '' ? '' : `,${members}`
  streamTexts.set(stream, { cluster, text })
  return text
}
