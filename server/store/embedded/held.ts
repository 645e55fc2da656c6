import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api'
import { bigintColumn, numberColumn } from './columns.ts'
import { AHEAD, quoteName } from './schema.ts'
import type { Counts } from './streams.ts'

/** So many lines are looked at to learn how long the lines of a segment are. */
const SAMPLE_ROWS = 65_536

/** What a segment holds of one stream. */
export interface Held extends Counts {
  /** Number of the stream within the segment. */
  readonly id: number
  /** Newest `received`. */
  received: bigint
  /** Oldest `received` among its lines whose clock ran ahead; undefined when there are none. */
  ahead: bigint | undefined
  /** Bytes of text in its lines: what a search of them must hold. */
  text: number
}

/** What the file of a segment holds of its streams, by their numbers: as it was sealed, or by counting when lines came after that. */
export async function readHeld(
  connection: DuckDBConnection,
  name: string,
): Promise<{ held: ReadonlyMap<number, Held>; hasLong: boolean; isDirty: boolean }> {
  const database = quoteName(name)
  const lines = await connection.run(
    `SELECT (SELECT count(*) FROM ${database}.lines), (SELECT coalesce(sum(records), 0)::BIGINT FROM ${database}.sealed), ` +
      `(SELECT count(*) FROM ${database}.rests), ` +
      `(SELECT count(*) FROM duckdb_columns() WHERE database_name = $1 AND table_name = 'sealed' AND column_name = 'text')`,
    [name],
  )
  const [total, sealed, rests, hasText] = (await lines.getRows())[0] ?? []
  const isDirty = total !== sealed || hasText !== 1n
  const source = isDirty
    ? countSql(database, Number(total))
    : `SELECT stream, records, first, last, received, ahead, text FROM ${database}.sealed`
  const held = new Map<number, Held>()
  for (const chunk of await (await connection.run(source)).fetchAllChunks()) addHeld(chunk, held)
  return { held, hasLong: rests !== 0n, isDirty }
}

/** Counts anew what `sealed` would say; the text is reckoned from a sample, as all of it would have to be unpacked. */
function countSql(database: string, total: number): string {
  const percent = Math.min(100, (100 * SAMPLE_ROWS) / Math.max(total, 1))
  const sample =
    'SELECT stream, avg(strlen(message) + strlen(fields)) AS text ' +
    `FROM ${database}.lines TABLESAMPLE ${percent.toFixed(4)} PERCENT (system, 1) GROUP BY stream`
  return (
    `WITH sample AS MATERIALIZED (${sample}), counted AS (` +
    'SELECT stream, count(*) AS records, min(time) AS first, max(time) AS last, max(received) AS received, ' +
    `min(received) FILTER ((flags & ${AHEAD}) <> 0) AS ahead FROM ${database}.lines GROUP BY stream) ` +
    'SELECT stream, records, first, last, received, ahead, ' +
    '(records * coalesce(text, (SELECT avg(text) FROM sample), 0))::BIGINT FROM counted LEFT JOIN sample USING (stream)'
  )
}

function addHeld(chunk: DuckDBDataChunk, held: Map<number, Held>): void {
  const id = numberColumn(chunk, 0)
  const [records, first, last, received, ahead, text] = [1, 2, 3, 4, 5, 6].map((column) => bigintColumn(chunk, column))
  if (!records || !first || !last || !received || !ahead || !text) throw new Error('BUG: seven columns were asked for')
  for (let row = 0; row < chunk.rowCount; row++) {
    held.set(id(row), {
      id: id(row),
      records: Number(records(row)),
      first: first(row),
      last: last(row),
      received: received(row),
      ahead: ahead(row) ?? undefined,
      text: Number(text(row)),
    })
  }
}
