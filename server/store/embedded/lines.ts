import type { DuckDBDataChunk } from '@duckdb/node-api'
import type { Position } from '../../../shared/record.ts'
import { greater, smaller } from '../bigint.ts'
import { bigintColumn, numberColumn, textColumn } from './columns.ts'
import { sourceOf } from './schema.ts'
import type { Chosen, Part } from './selection.ts'

/** Numbers of the columns that every search has; those that it asks for besides come after. See sql.ts. */
export const TIME_COLUMN = 0
export const SOURCE_COLUMN = 2
export const ORDINAL_COLUMN = 3
export const STREAM_COLUMN = 4
export const PART_COLUMN = 5
export const STREAM_ID_COLUMN = 6
export const LONG_COLUMN = 7
export const MESSAGE_COLUMN = 8
export const FIRST_OWN_COLUMN = 9

/** Rows as the engine gives them: of long texts only the first pieces; and what their indexes mean. */
export interface Found {
  readonly chunk: DuckDBDataChunk
  readonly chosen: readonly Chosen[]
  readonly parts: readonly Part[]
}

/** Rows [from, to) of a chunk with all of their texts. */
export interface Lines extends Found {
  readonly from: number
  readonly to: number
  /** What follows the texts in the chunk, by row. */
  readonly rests: ReadonlyMap<number, { readonly message: string; readonly fields: string }>
}

/** Reads the messages of lines. */
export function messageColumn({ chunk, rests }: Lines): (row: number) => string {
  const head = textColumn(chunk, MESSAGE_COLUMN)
  if (rests.size === 0) return head
  return (row) => head(row) + (rests.get(row)?.message ?? '')
}

/** Reads the fields of lines, whose first pieces are in the column. */
export function fieldsColumn({ chunk, rests }: Lines, column: number): (row: number) => string {
  const head = textColumn(chunk, column)
  if (rests.size === 0) return head
  return (row) => head(row) + (rests.get(row)?.fields ?? '')
}

/** Reads the streams of lines. */
export function chosenColumn({ chunk, chosen }: Lines): (row: number) => Chosen {
  const index = numberColumn(chunk, STREAM_COLUMN)
  return (row) => {
    const stream = chosen[index(row)]
    if (stream === undefined) throw new Error('BUG: a line of a stream that was not chosen')
    return stream
  }
}

/** The place of the last of the lines. */
export function lastPosition(lines: Lines): Position {
  const { chunk, to } = lines
  const row = to - 1
  const { nodeId, containerId } = chosenColumn(lines)(row).stream
  const source = sourceOf(numberColumn(chunk, SOURCE_COLUMN)(row))
  return {
    time: bigintColumn(chunk, TIME_COLUMN)(row),
    nodeId,
    containerId,
    source,
    ordinal: numberColumn(chunk, ORDINAL_COLUMN)(row),
  }
}

/** Reads the times of rows; `first` and `last` are those of the rows given. */
export function timesOf(
  chunk: DuckDBDataChunk,
  rows: readonly number[],
): { time: (row: number) => bigint; first: bigint; last: bigint } {
  const time = bigintColumn(chunk, TIME_COLUMN)
  const start = time(rows[0] ?? 0)
  const times = rows.map(time)
  return { time, first: times.reduce(smaller, start), last: times.reduce(greater, start) }
}
