import type { StoredRecord } from '../../../shared/record.ts'
import { formatTime } from '../../../shared/time.ts'
import type { LineFormat, PrintedRun } from '../store.ts'
import { bigintColumn, numberColumn, textColumn } from './columns.ts'
import { HEAD_MISSING, levelOf, sourceOf } from './schema.ts'
import { type Found, STREAM_COLUMN } from './search.ts'

/** The columns of a record, and of a printed line. Texts are encoded, see `textColumn`. */
export const RECORD_COLUMNS = [
  'l.received',
  'l.level',
  'l.flags',
  'l.cut_from',
  'encode(l.message)',
  'encode(l.fields)',
]
export const PRINT_COLUMNS = ['encode(l.message)']

/** The rows as records. */
export function recordsOf({ chunk, chosen }: Found): StoredRecord[] {
  const [time, received] = [bigintColumn(chunk, 0), bigintColumn(chunk, 5)]
  const [source, ordinal, index] = [numberColumn(chunk, 2), numberColumn(chunk, 3), numberColumn(chunk, STREAM_COLUMN)]
  const [level, flags, cutFrom] = [numberColumn(chunk, 6), numberColumn(chunk, 7), numberColumn(chunk, 8)]
  const [message, fields] = [textColumn(chunk, 9), textColumn(chunk, 10)]
  const records: StoredRecord[] = []
  for (let row = 0; row < chunk.rowCount; row++) {
    const stream = chosen[index(row)]?.stream
    if (stream === undefined) throw new Error('BUG: a line of a stream that was not chosen')
    records.push({
      stream,
      source: sourceOf(source(row)),
      time: time(row),
      ordinal: ordinal(row),
      message: message(row),
      cutFrom: cutFrom(row),
      headMissing: (flags(row) & HEAD_MISSING) !== 0,
      chunk: '',
      level: levelOf(level(row)),
      fields: fields(row),
      received: received(row),
    })
  }
  return records
}

/** Writes lines as text; keeps the prefix of each stream. */
export class Printer {
  readonly #format: LineFormat
  readonly #prefixes = new Map<unknown, string>()

  constructor(format: LineFormat) {
    this.#format = format
  }

  /** The rows as printed lines, consecutive ones of one source together. */
  runsOf({ chunk, chosen }: Found): PrintedRun[] {
    const time = bigintColumn(chunk, 0)
    const source = numberColumn(chunk, 2)
    const index = numberColumn(chunk, STREAM_COLUMN)
    const message = textColumn(chunk, 5)
    const runs: PrintedRun[] = []
    let text = ''
    let current = 0
    for (let row = 0; row < chunk.rowCount; row++) {
      if (row > 0 && source(row) !== current) {
        runs.push({ source: sourceOf(current), text })
        text = ''
      }
      current = source(row)
      text += printLine(message(row), this.#head(chosen[index(row)], time(row)))
    }
    if (text !== '') runs.push({ source: sourceOf(current), text })
    return runs
  }

  #head(chosen: Found['chosen'][number] | undefined, time: bigint): string {
    let prefix = this.#prefixes.get(chosen)
    if (prefix === undefined) {
      prefix = chosen === undefined ? '' : this.#format.prefix(chosen.stream)
      this.#prefixes.set(chosen, prefix)
    }
    return this.#format.timestamps ? `${formatTime(time)} ${prefix}` : prefix
  }
}

/** A message of several lines (foreign senders have them) has its head before each. */
function printLine(message: string, head: string): string {
  return message.includes('\n') ? `${head}${message.replaceAll('\n', () => `\n${head}`)}\n` : `${head}${message}\n`
}
