import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type DuckDBBlobVector,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api'

const CHUNK_ROWS = 2048

/** Where rows go: a table of an attached database, or (`temp`) one of the connection. */
export interface Table {
  readonly database: string
  readonly name: string
  readonly types: readonly DuckDBType[]
}

/**
 * Appends rows column by column, twice as fast as row by row. Within the connection's transaction; gives way to other work
 * after each 2,048 rows.
 */
export async function appendRows<T>(
  connection: DuckDBConnection,
  table: Table,
  rows: readonly T[],
  columns: readonly ((row: T) => DuckDBValue)[],
): Promise<void> {
  if (rows.length === 0) return
  const appender = await connection.createAppender(table.name, 'main', table.database)
  try {
    const chunk = DuckDBDataChunk.create(table.types)
    for (let start = 0; start < rows.length; start += CHUNK_ROWS) {
      if (start > 0) await nextTurn()
      const part = rows.slice(start, start + CHUNK_ROWS)
      chunk.reset()
      chunk.setColumns(columns.map((column) => part.map(column)))
      appender.appendDataChunk(chunk)
      appender.flushSync()
    }
  } finally {
    appender.closeSync()
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Reads column `index` of texts that SQL gave through `encode()`: read as VARCHAR a text would lose a BOM at its start. */
export function textColumn(chunk: DuckDBDataChunk, index: number): (row: number) => string {
  const vector = chunk.getColumnVector(index) as DuckDBBlobVector
  return (row) => {
    const bytes = vector.getItemBytes(row)
    return bytes === null ? '' : decoder.decode(bytes)
  }
}

/** Reads a column of 64-bit integers. */
export function bigintColumn(chunk: DuckDBDataChunk, index: number): (row: number) => bigint {
  const vector = chunk.getColumnVector(index)
  return (row) => vector.getItem(row) as bigint
}

/** Reads a column of integers of up to 32 bits. */
export function numberColumn(chunk: DuckDBDataChunk, index: number): (row: number) => number {
  const vector = chunk.getColumnVector(index)
  return (row) => vector.getItem(row) as number
}
