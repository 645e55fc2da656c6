import type { LogRecord } from '../../../shared/record.ts'
import { MAX_GREP_CHARS } from '../../query/query.ts'
import { numberColumn, textColumn } from './columns.ts'
import type { Engine, Reader } from './engine.ts'
import type { Found, Lines } from './lines.ts'
import { LONG_COLUMN, ORDINAL_COLUMN, PART_COLUMN, SOURCE_COLUMN, STREAM_ID_COLUMN, timesOf } from './lines.ts'

/*
 * DuckDB works on 2,048 rows at a time, all of them in memory: with lines of 1 MiB that would be 2 GiB. So a text is cut into pieces of
 * at most HEAD_CHARS: the first one stands with the line, the others in the table `rests`.
 */
const HEAD_CHARS = 4096
/** Each further piece begins with the end of the one before, so that what is looked for is whole in one of them. */
const OVERLAP_CHARS = MAX_GREP_CHARS
/** So many lines are made whole at a time, and so many characters. */
const MAX_LINES = 256
const MAX_CHARS = 4_000_000

/** Which text of a line a piece is of. */
export const MESSAGE = 0
export const FIELDS = 1

/*
 * `skip` counts characters as JavaScript does, where those beyond U+FFFF are two: for the cut each of them gets a second one behind it, which
 * is a noncharacter, and taken out again only there.
 */
const LARGE = String.raw`([\x{10000}-\x{10FFFF}])`
/** A piece without what the one before ends with, in SQL. */
export const REST =
  `CASE WHEN regexp_matches(r.text, '${LARGE}') THEN regexp_replace(substr(regexp_replace(r.text, '${LARGE}', '\\1' || chr(64976), 'g'), ` +
  `r.skip + 1), '${LARGE}' || chr(64976), '\\1', 'g') ELSE substr(r.text, r.skip + 1) END`

/** What of a line can be long. */
type Texts = Pick<LogRecord, 'message' | 'fields'>

/** A further piece of a text; its first `skip` characters are of the piece before. */
export interface Piece {
  readonly kind: number
  readonly number: number
  readonly skip: number
  readonly text: string
}

/** The first piece of a text: all of it, mostly. */
export function headOf(text: string): string {
  return text.length <= HEAD_CHARS ? text : text.slice(0, cutBefore(text, HEAD_CHARS))
}

/** Length of what must be put together again for the record; 0 when it needs no further pieces. */
export function longChars({ message, fields }: Texts): number {
  return message.length > HEAD_CHARS || fields.length > HEAD_CHARS ? message.length + fields.length : 0
}

/** The further pieces of a record's texts. */
export function piecesOf({ message, fields }: Texts): Piece[] {
  return [...cut(message, MESSAGE), ...cut(fields, FIELDS)]
}

function cut(text: string, kind: number): Piece[] {
  const pieces: Piece[] = []
  for (let start = headOf(text).length, number = 0; start < text.length; number++) {
    const from = cutBefore(text, start - OVERLAP_CHARS)
    const end = cutBefore(text, start + HEAD_CHARS - OVERLAP_CHARS)
    pieces.push({ kind, number, skip: start - from, text: text.slice(from, end) })
    start = end
  }
  return pieces
}

/** The place itself, or the one before when it is in the middle of a surrogate pair. */
function cutBefore(text: string, place: number): number {
  if (place >= text.length) return text.length
  const code = text.charCodeAt(place)
  return code >= 0xdc00 && code <= 0xdfff ? place - 1 : place
}

/** Puts long texts together again: yields the rows in parts, so that only so much text is in memory. */
export async function* wholeLines(engine: Engine, found: Found, signal?: AbortSignal): AsyncGenerator<Lines> {
  const long = numberColumn(found.chunk, LONG_COLUMN)
  const { rowCount } = found.chunk
  let from = 0
  let rows: number[] = []
  let chars = 0
  for (let row = 0; row < rowCount; row++) {
    if (long(row) === 0) continue
    if (rows.length === MAX_LINES || (rows.length > 0 && chars + long(row) > MAX_CHARS)) {
      yield { ...found, from, to: row, rests: await readRests(engine, found, rows, signal) }
      from = row
      rows = []
      chars = 0
    }
    rows.push(row)
    chars += long(row)
  }
  yield { ...found, from, to: rowCount, rests: await readRests(engine, found, rows, signal) }
}

/** What follows the first pieces, by row. */
async function readRests(
  engine: Engine,
  found: Found,
  rows: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Lines['rests']> {
  const rests = new Map<number, { message: string; fields: string }>()
  if (rows.length === 0) return rests
  // A connection of its own: the search's is busy with the lines.
  const reader = await engine.leaseSecond(signal)
  try {
    const part = numberColumn(found.chunk, PART_COLUMN)
    for (const index of new Set(rows.map(part))) {
      await addRests(
        reader,
        found,
        rows.filter((row) => part(row) === index),
        index,
        rests,
      )
    }
    return rests
  } finally {
    reader.release()
  }
}

async function addRests(
  reader: Reader,
  found: Found,
  rows: readonly number[],
  part: number,
  rests: Map<number, { message: string; fields: string }>,
): Promise<void> {
  const segment = found.parts[part]?.segment
  if (segment === undefined) throw new Error('BUG: a line of a segment that was not searched')
  const { chunk } = found
  const [stream, source, ordinal] = [STREAM_ID_COLUMN, SOURCE_COLUMN, ORDINAL_COLUMN].map((column) =>
    numberColumn(chunk, column),
  )
  const { time, first, last } = timesOf(chunk, rows)
  const wanted = rows.map(
    (row) => `(${row}, ${time(row)}::BIGINT, ${stream?.(row)}, ${source?.(row)}, ${ordinal?.(row)})`,
  )
  const sql =
    `SELECT w.row, r.kind, r.skip, encode(r.text) FROM ${segment.database}.rests r ` +
    `JOIN (VALUES ${wanted.join(', ')}) w(row, time, stream, source, ordinal) ` +
    'ON r.time = w.time AND r.stream = w.stream AND r.source = w.source AND r.ordinal = w.ordinal ' +
    `WHERE r.time BETWEEN ${first}::BIGINT AND ${last}::BIGINT ORDER BY w.row, r.kind, r.number`
  for await (const pieces of reader.chunks(sql)) {
    const [row, kind, skip] = [0, 1, 2].map((column) => numberColumn(pieces, column))
    const text = textColumn(pieces, 3)
    for (let index = 0; index < pieces.rowCount; index++) {
      const key = row?.(index) ?? 0
      const rest = rests.get(key) ?? { message: '', fields: '' }
      rests.set(key, rest)
      const piece = text(index).slice(skip?.(index))
      if (kind?.(index) === MESSAGE) rest.message += piece
      else rest.fields += piece
    }
  }
}
