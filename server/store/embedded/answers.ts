import type { StoredRecord } from '../../../shared/record.ts'
import { Heads } from '../heads.ts'
import type { LineFormat, PrintedRun } from '../store.ts'
import { bigintColumn, numberColumn } from './columns.ts'
import {
  chosenColumn,
  FIRST_OWN_COLUMN,
  fieldsColumn,
  type Lines,
  messageColumn,
  ORDINAL_COLUMN,
  SOURCE_COLUMN,
  TIME_COLUMN,
} from './lines.ts'
import { HEAD_MISSING, levelOf, sourceOf } from './schema.ts'

/** The columns that a record needs besides those of every search. Texts are encoded, see `textColumn`. */
export const RECORD_COLUMNS = ['l.received', 'l.level', 'l.flags', 'l.cut_from', 'encode(l.fields)']

/** An answer of so many characters is enough: it waits in memory for its client. */
const ENOUGH_CHARS = 256 * 1024

/** The lines as records. */
export function recordsOf(lines: Lines): { answer: StoredRecord[]; to: number } {
  const { chunk, from, to } = lines
  const [time, received] = [bigintColumn(chunk, TIME_COLUMN), bigintColumn(chunk, FIRST_OWN_COLUMN)]
  const [source, ordinal] = [numberColumn(chunk, SOURCE_COLUMN), numberColumn(chunk, ORDINAL_COLUMN)]
  const level = numberColumn(chunk, FIRST_OWN_COLUMN + 1)
  const flags = numberColumn(chunk, FIRST_OWN_COLUMN + 2)
  const cutFrom = numberColumn(chunk, FIRST_OWN_COLUMN + 3)
  const [chosen, message, fields] = [
    chosenColumn(lines),
    messageColumn(lines),
    fieldsColumn(lines, FIRST_OWN_COLUMN + 4),
  ]
  const records: StoredRecord[] = []
  let chars = 0
  let row = from
  for (; row < to && chars < ENOUGH_CHARS; row++) {
    const record = {
      stream: chosen(row).stream,
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
    }
    records.push(record)
    chars += record.message.length + record.fields.length
  }
  return { answer: records, to: row }
}

/** Writes lines as text. */
export class Printer {
  readonly #heads: Heads

  constructor(format: LineFormat) {
    this.#heads = new Heads(format)
  }

  /** The lines as text, consecutive ones of one source together. */
  runsOf(lines: Lines): { answer: PrintedRun[]; to: number } {
    const { chunk, from, to } = lines
    const time = bigintColumn(chunk, TIME_COLUMN)
    const source = numberColumn(chunk, SOURCE_COLUMN)
    const [chosen, message] = [chosenColumn(lines), messageColumn(lines)]
    const runs: PrintedRun[] = []
    let text = ''
    let current = source(from)
    let chars = 0
    let row = from
    for (; row < to && chars + text.length < ENOUGH_CHARS; row++) {
      if (source(row) !== current) {
        runs.push({ source: sourceOf(current), text })
        chars += text.length
        text = ''
        current = source(row)
      }
      text += this.#heads.lineOf(chosen(row).stream, time(row), message(row))
    }
    runs.push({ source: sourceOf(current), text })
    return { answer: runs, to: row }
  }
}
