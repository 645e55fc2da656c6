import type { DuckDBConnection } from '@duckdb/node-api'
import { SwarmlogsError } from '../../../../shared/errors.ts'
import { messageOf } from '../failure.ts'
import { quoteText } from '../schema.ts'
import { LABEL_COLUMNS, LINE_COLUMNS } from './schema.ts'

/** More than any file of ours has: one that says otherwise is made to fill the memory. */
export const MAX_FILE_LINES = 1_000_000
export const MAX_FILE_TEXT = 512 * 2 ** 20

/** A Parquet file of lines, and how many it should have. */
export interface LinesFile {
  readonly path: string
  /** As messages name it. */
  readonly name: string
  readonly lines: number
}

/** Throws SWARMLOGS_STORE_DAMAGED when a file is none of lines, has more or less of them than it should, or more than fits. */
export async function checkLines(connection: DuckDBConnection, file: LinesFile, streams: number): Promise<void> {
  const from = `read_parquet(${quoteText(file.path)})`
  try {
    const [lines, bytes] = await one(
      connection,
      `SELECT sum(num_rows), max(size) FROM (SELECT DISTINCT row_group_id, row_group_num_rows AS num_rows, row_group_bytes AS size FROM parquet_metadata(${quoteText(file.path)}))`,
    )
    if (Number(lines) > MAX_FILE_LINES || Number(bytes) > 2 * MAX_FILE_TEXT)
      throw new Error('it is larger than any file of swarmlogs')
    if (Number(lines) !== file.lines) throw new Error(`it has ${lines} lines, not ${file.lines}`)
    // A column that is not there, or is of another type, fails here.
    const columns = Object.entries(LINE_COLUMNS).map(([name, type]) => `any_value(${name})::${type}`)
    const labels = Object.keys(LABEL_COLUMNS).map((name) => `any_value(${name})`)
    const [text, least, greatest] = await one(
      connection,
      `SELECT sum(strlen(message) + coalesce(strlen(fields), 0)), min(stream), max(stream), ${[...columns, ...labels].join(', ')} FROM ${from}`,
    )
    if (Number(text) > MAX_FILE_TEXT) throw new Error('it is larger than any file of swarmlogs')
    if (file.lines > 0 && (Number(least) < 0 || Number(greatest) >= streams))
      throw new Error('it has lines of unknown streams')
  } catch (error) {
    throw new SwarmlogsError('SWARMLOGS_STORE_DAMAGED', `cannot read ${file.name}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

async function one(connection: DuckDBConnection, sql: string): Promise<readonly unknown[]> {
  return (await (await connection.run(sql)).getRows())[0] ?? []
}
