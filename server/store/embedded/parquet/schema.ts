import { BIGINT, BOOLEAN, INTEGER, VARCHAR } from '@duckdb/node-api'
import type { LogStream, StoredRecord } from '../../../../shared/record.ts'

/*
 * Lines in Parquet files: what bundles and archives hold. Every row tells all of itself, so that any tool can read it; equal labels cost
 * next to nothing, as columns are packed by a dictionary. Times are nanoseconds since 1970 as INT64: all tools read these, exactly, and not
 * all of them read Parquet's TIMESTAMP(NANOS).
 *
 *   time, received        INT64    when the engine got the line, and when the server stored it
 *   source, level         text     stdout or stderr; trace to fatal, or '' for none
 *   ordinal               INT64    which of the lines with that time, of that container and source
 *   message, fields       text     the line; what it holds by dotted name, as JSON, or '' for nothing, or NULL where that is the line as it stands
 *   cut_from              INT64    bytes of a line that was longer than 1 MiB and so was cut; else 0
 *   head_missing          BOOLEAN  lines before this one with the same time may be missing
 *   stream                INT32    number of its labels in the manifest, from 0
 *   cluster ... tag       text     its labels; slot is INT32, attributes a JSON object
 */

/** The columns of the lines themselves, with their types. */
export const LINE_COLUMNS = {
  time: BIGINT,
  received: BIGINT,
  source: VARCHAR,
  ordinal: BIGINT,
  level: VARCHAR,
  message: VARCHAR,
  fields: VARCHAR,
  cut_from: BIGINT,
  head_missing: BOOLEAN,
  stream: INTEGER,
} as const

/** The columns of labels: name, type, and what of a stream they hold. */
export const LABEL_COLUMNS = {
  cluster: 'cluster',
  node_id: 'nodeId',
  node: 'nodeName',
  stack: 'stack',
  service: 'service',
  service_id: 'serviceId',
  task: 'taskName',
  task_id: 'taskId',
  slot: 'slot',
  container: 'containerName',
  container_id: 'containerId',
  image: 'image',
  attributes: 'attributes',
  tag: 'tag',
} as const satisfies Record<string, keyof LogStream>

/** A line on its way into a file: a record without what its stream's labels tell. */
export type ArchivedLine = Omit<StoredRecord, 'stream' | 'chunk'> & { readonly stream: number }

/** What a label is in its column. */
export function labelValue(stream: LogStream, column: keyof typeof LABEL_COLUMNS): string | number {
  const value = stream[LABEL_COLUMNS[column]]
  return typeof value === 'object' ? JSON.stringify(value) : value
}

/** `a BIGINT, b VARCHAR`: columns as CREATE TABLE takes them. */
export function columnsSql(columns: Readonly<Record<string, unknown>>): string {
  return Object.entries(columns)
    .map(([name, type]) => `${name} ${String(type)}`)
    .join(', ')
}
