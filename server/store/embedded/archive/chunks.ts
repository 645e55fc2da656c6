import { type DuckDBConnection, UINTEGER, VARCHAR } from '@duckdb/node-api'
import type { LogRecord } from '../../../../shared/record.ts'
import { appendRows, bigintColumn, numberColumn, textColumn } from '../columns.ts'
import { quoteText } from '../schema.ts'

/** Writes chunks, those of an earlier generation of the day among them, to a Parquet file; answers whether there are any. */
export async function writeChunks(
  connection: DuckDBConnection,
  path: string,
  chunks: ReadonlyMap<string, number>,
  before: string | undefined,
): Promise<boolean> {
  await connection.run('CREATE OR REPLACE TEMP TABLE chunks(id VARCHAR, last UINTEGER)')
  const columns = [([id]: readonly [string, number]) => id, ([, last]: readonly [string, number]) => last] as const
  await appendRows(connection, { database: 'temp', name: 'chunks', types: [VARCHAR, UINTEGER] }, [...chunks], columns)
  const all = before === undefined ? 'chunks' : `(SELECT id, last FROM ${before} UNION ALL SELECT id, last FROM chunks)`
  const sql = `COPY (SELECT id, max(last) AS last FROM ${all} GROUP BY id) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`
  let written = 0n
  for (const chunk of await (await connection.run(sql)).fetchAllChunks()) written += bigintColumn(chunk, 0)(0)
  return written > 0n
}

/** Those of the records that a table of chunks has; `nameOf`: how it names a chunk of a sender. */
export async function recordsOfChunks(
  connection: DuckDBConnection,
  table: string,
  records: readonly LogRecord[],
  nameOf: (chunk: string) => string,
): Promise<readonly LogRecord[]> {
  const ids = records.map(({ chunk }) => nameOf(chunk))
  const last = await lastOfChunks(connection, table, ids)
  return records.filter(({ ordinal }, index) => ordinal <= (last.get(ids[index] ?? '') ?? -1))
}

/** The last index of each of these chunks that a table of chunks has. */
async function lastOfChunks(
  connection: DuckDBConnection,
  table: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  await connection.run('CREATE OR REPLACE TEMP TABLE ids(id VARCHAR)')
  await appendRows(
    connection,
    { database: 'temp', name: 'ids', types: [VARCHAR] },
    [...new Set(ids)],
    [(id: string) => id],
  )
  const sql = `SELECT encode(id), max(last) FROM ${table} JOIN ids USING (id) GROUP BY id`
  const found = new Map<string, number>()
  for (const chunk of await (await connection.run(sql)).fetchAllChunks()) {
    const [id, last] = [textColumn(chunk, 0), numberColumn(chunk, 1)]
    for (let row = 0; row < chunk.rowCount; row++) found.set(id(row), last(row))
  }
  return found
}
