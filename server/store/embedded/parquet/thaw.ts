import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { SwarmlogsError } from '../../../../shared/errors.ts'
import type { LogStream } from '../../../../shared/record.ts'
import { labelsOf } from '../../labels.ts'
import { appendRows } from '../columns.ts'
import { Engine } from '../engine.ts'
import { ATTACH_OPTIONS, CREATE_OPTIONS, quoteText, SEGMENT_TABLES, STREAM_TYPES } from '../schema.ts'
import { isSegmentName, partitionOf, Segment } from '../segment.ts'
import { Streams } from '../streams.ts'
import { sealSegment } from '../transaction.ts'
import { checkLines, type LinesFile } from './check.ts'
import { insertLong, insertShort } from './insert.ts'

const MEMORY_BYTES = 512 * 2 ** 20
const TEMP_BYTES = 4 * 2 ** 30
/** As the store does: times before 1990 or over a day ahead live in the day of their arrival. */
const PARTITION = `SELECT DISTINCT strftime(make_timestamp(day * 86400000000), '%Y-%m-%d'), odd FROM (SELECT CASE WHEN odd THEN received ELSE time END // 86400000000000 AS day, odd FROM `

/** Each day is a file: no bundle is of so many. */
const MAX_SEGMENTS = 4_000

/** Where segments are below the folder of a frozen store. */
export function segmentsOf(dir: string): string {
  return join(dir, 'segments')
}

/**
 * Makes the segments of a store, sealed, of Parquet files of lines whose stream numbers are those of `streams`. A file that is not what it
 * should be is thrown as SWARMLOGS_STORE_DAMAGED.
 */
export async function thaw(dir: string, files: readonly LinesFile[], streams: readonly LogStream[]): Promise<void> {
  await mkdir(segmentsOf(dir), { recursive: true, mode: 0o700 })
  const engine = await Engine.open({ memoryBytes: MEMORY_BYTES, tempDir: join(dir, 'tmp'), tempBytes: TEMP_BYTES })
  const connection = engine.writer
  const segments = new Map<string, Segment>()
  try {
    await connection.run('SET preserve_insertion_order = true')
    for (const file of files) {
      await checkLines(connection, file, streams.length)
      const found = await partitions(connection, file)
      for (const { day, isOdd } of found) {
        const name = `${partitionOf(day, isOdd)}.0`
        if (!isSegmentName(name) || Math.max(segments.size, found.length) >= MAX_SEGMENTS) throw tooOdd(file)
        const segment = segments.get(name) ?? (await create(connection, dir, name, streams))
        segments.set(name, segment)
        const part = { file: file.path, day, isOdd }
        await insertShort(connection, segment, part)
        await insertLong(connection, segment, part)
      }
    }
    for (const segment of segments.values()) {
      await segment.load(connection, new Streams())
      await sealSegment(connection, segment)
      await connection.run(`DETACH ${segment.database}`)
    }
  } finally {
    await engine.close()
  }
}

async function partitions(connection: DuckDBConnection, { path }: LinesFile) {
  const result = await connection.run(`${PARTITION} ${rowsOf(path)})) ORDER BY ALL`)
  return (await result.getRows()).map(([day, isOdd]) => ({ day: String(day), isOdd: isOdd === true }))
}

/** The rows of a file, with whether their time is out of all reason. */
function rowsOf(path: string): string {
  return `(SELECT time, received, (time < 631152000000000000 OR time > received + 86400000000000) AS odd FROM read_parquet(${quoteText(path)})`
}

async function create(
  connection: DuckDBConnection,
  dir: string,
  name: string,
  streams: readonly LogStream[],
): Promise<Segment> {
  const segment = new Segment(segmentsOf(dir), name)
  await connection.run(
    `ATTACH ${quoteText(segment.path)} AS ${segment.database} (${CREATE_OPTIONS}, ${ATTACH_OPTIONS})`,
  )
  // Another store's ordinals of foreign lines have up to 53 bits.
  const tables = SEGMENT_TABLES.map((table) => table.replace('ordinal UINTEGER', 'ordinal DOUBLE'))
  for (const table of tables) await connection.run(`CREATE TABLE ${segment.database}.${table}`)
  // Those that it has no lines of are passed over when it is read.
  await appendRows(
    connection,
    { database: name, name: 'streams', types: STREAM_TYPES },
    [...streams.entries()],
    [([number]) => number + 1, ([, stream]) => labelsOf(stream)],
  )
  return segment
}

function tooOdd({ name }: LinesFile): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_STORE_DAMAGED', `cannot read ${name}: its lines are of times that no log has`)
}
