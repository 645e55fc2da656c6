import type { LogStream, StoredRecord } from '../../shared/record.ts'
import { isAnnotation, type Told } from '../gap-feed.ts'
import type { GapPlaces } from '../query/gap-places.ts'
import { gapText } from '../store/gap-text.ts'

const CHUNK_CHARS = 64 * 1024

/** A search whose records are wanted as they are stored. */
export interface Archived {
  /** What the answer begins with: which store it is of, and up to which commit. */
  readonly head: object
  readonly found: AsyncIterable<readonly StoredRecord[]>
  readonly places: GapPlaces
  /** The last line, and whether the search goes on in another answer; throws when it was ended from outside. */
  readonly end: (last: StoredRecord | undefined, records: number) => { readonly end: object; readonly isPart: boolean }
  readonly failed: (error: unknown) => object
}

/**
 * Writes records with all that is stored of them, as NDJSON: a line with the head; `{"stream": N, "labels": ...}` before the first record
 * of each stream; `[N, source, time, received, ordinal, level, cut from, head missing, message, fields]`; `{"gap": ...}`; the end.
 */
export async function* archived({ head, found, places, end, failed }: Archived): AsyncGenerator<Buffer> {
  const streams = new Map<LogStream, number>()
  // Notes are told of by an address of their own.
  const gapLines = (told: readonly Told[]): string =>
    told.map((one) => (isAnnotation(one) ? '' : `{"gap":${gapText(one)}}\n`)).join('')
  let text = `${JSON.stringify(head)}\n`
  let last: StoredRecord | undefined
  let count = 0
  try {
    for await (const records of found) {
      for (const record of records) {
        text += gapLines(places.before(record))
        text += recordLine(record, streams)
        last = record
        count++
        if (text.length < CHUNK_CHARS) continue
        yield Buffer.from(text)
        text = ''
      }
    }
    const { end: line, isPart } = end(last, count)
    yield Buffer.from(`${text}${gapLines(places.rest(last?.time, isPart))}${JSON.stringify(line)}\n`)
  } catch (error) {
    if (count === 0) throw error
    yield Buffer.from(`${text}${JSON.stringify(failed(error))}\n`)
  }
}

function recordLine(record: StoredRecord, streams: Map<LogStream, number>): string {
  const { stream, source, time, received, ordinal, level, cutFrom, headMissing, message, fields } = record
  let number = streams.get(stream)
  let labels = ''
  if (number === undefined) {
    number = streams.size
    streams.set(stream, number)
    labels = `${JSON.stringify({ stream: number, labels: stream })}\n`
  }
  return (
    `${labels}[${number},"${source}","${time}","${received}",${ordinal},"${level}",${cutFrom},${headMissing ? 1 : 0},` +
    `${JSON.stringify(message)},${fields === '' ? '""' : JSON.stringify(fields)}]\n`
  )
}
