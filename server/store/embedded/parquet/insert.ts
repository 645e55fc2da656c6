import { DOUBLE, type DuckDBConnection, type DuckDBDataChunk, type DuckDBType } from '@duckdb/node-api'
import { LEVELS } from '../../../../shared/record.ts'
import { appendRows, bigintColumn, numberColumn, textColumn } from '../columns.ts'
import { headOf, longChars, piecesOf } from '../long.ts'
import { AHEAD, HEAD_MISSING, LINE_TYPES, levelCode, quoteText, REST_TYPES } from '../schema.ts'
import type { Segment } from '../segment.ts'

/** The lines of a file that go to one segment. */
export interface FilePart {
  readonly file: string
  readonly day: string
  readonly isOdd: boolean
}

/** Bytes that a text may have that needs no further pieces, whatever its characters are (see long.ts). */
const SHORT_BYTES = 4096
/** Where the ordinal stands in both tables. */
const ORDINAL = 3
const MINUTE = 60_000_000_000n
const LEVEL = `CASE level ${LEVELS.map((level) => `WHEN ${quoteText(level)} THEN ${levelCode(level)}`).join(' ')} ELSE 0 END`
const FLAGS = `CASE WHEN time > received + ${MINUTE} THEN ${AHEAD} ELSE 0 END + CASE WHEN head_missing THEN ${HEAD_MISSING} ELSE 0 END`
/** A line that is all that it holds says so once. */
const FIELDS = 'coalesce(fields, message)'
const IS_LONG = `(strlen(message) > ${SHORT_BYTES} OR strlen(${FIELDS}) > ${SHORT_BYTES})`
const PLACE = "time, stream + 1, CASE source WHEN 'stderr' THEN 0 ELSE 1 END, ordinal, received"

/** Puts lines whose texts are in one piece into a segment, by time. */
export async function insertShort(connection: DuckDBConnection, segment: Segment, part: FilePart): Promise<void> {
  await connection.run(
    `INSERT INTO ${segment.database}.lines SELECT ${PLACE}, ${LEVEL}, ${FLAGS}, cut_from, 0, message, ${FIELDS} ` +
      `${fromSql(part)} AND NOT ${IS_LONG} ORDER BY time, stream, source, ordinal`,
  )
}

/** Puts lines with long texts into a segment: in pieces. */
export async function insertLong(connection: DuckDBConnection, segment: Segment, part: FilePart): Promise<void> {
  const result = await connection.stream(
    `SELECT ${PLACE}, ${LEVEL}, ${FLAGS}, cut_from, encode(message), encode(${FIELDS}) ${fromSql(part)} AND ${IS_LONG} ORDER BY time`,
  )
  const found: LongLine[] = []
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk())
    found.push(...longLines(chunk))
  if (found.length === 0) return
  await appendRows(connection, { database: segment.name, name: 'lines', types: withDouble(LINE_TYPES) }, found, [
    ...PLACE_OF,
    (line) => line.received,
    (line) => line.level,
    (line) => line.flags,
    (line) => line.cutFrom,
    (line) => longChars(line),
    (line) => headOf(line.message),
    (line) => headOf(line.fields),
  ])
  const pieces = found.flatMap((line) => piecesOf(line).map((piece) => ({ ...line, piece })))
  await appendRows(connection, { database: segment.name, name: 'rests', types: withDouble(REST_TYPES) }, pieces, [
    ...PLACE_OF,
    ({ piece }) => piece.kind,
    ({ piece }) => piece.number,
    ({ piece }) => piece.skip,
    ({ piece }) => piece.text,
  ])
}

interface LongLine {
  readonly time: bigint
  readonly stream: number
  readonly source: number
  readonly ordinal: number
  readonly received: bigint
  readonly level: number
  readonly flags: number
  readonly cutFrom: number
  readonly message: string
  readonly fields: string
}

const PLACE_OF = [
  (line: LongLine) => line.time,
  (line: LongLine) => line.stream,
  (line: LongLine) => line.source,
  (line: LongLine) => line.ordinal,
]

function longLines(chunk: DuckDBDataChunk): LongLine[] {
  const [time, ordinal, received, cutFrom] = [
    bigintColumn(chunk, 0),
    bigintColumn(chunk, 3),
    bigintColumn(chunk, 4),
    bigintColumn(chunk, 7),
  ]
  const [stream, source, level, flags] = [
    numberColumn(chunk, 1),
    numberColumn(chunk, 2),
    numberColumn(chunk, 5),
    numberColumn(chunk, 6),
  ]
  const [message, fields] = [textColumn(chunk, 8), textColumn(chunk, 9)]
  return Array.from({ length: chunk.rowCount }, (_, row) => ({
    ...{
      time: time(row),
      stream: stream(row),
      source: source(row),
      ordinal: Number(ordinal(row)),
      received: received(row),
    },
    ...{
      level: level(row),
      flags: flags(row),
      cutFrom: Number(cutFrom(row)),
      message: message(row),
      fields: fields(row),
    },
  }))
}

function withDouble(types: readonly DuckDBType[]): readonly DuckDBType[] {
  return types.with(ORDINAL, DOUBLE)
}

function fromSql({ file, day, isOdd }: FilePart): string {
  const start = BigInt(Date.parse(day)) * 1_000_000n
  const column = isOdd ? 'received' : 'time'
  const odd = '(time < 631152000000000000 OR time > received + 86400000000000)'
  return `FROM read_parquet(${quoteText(file)}) WHERE ${isOdd ? '' : 'NOT '}${odd} AND ${column} >= ${start} AND ${column} < ${start + 86_400_000_000_000n}`
}
