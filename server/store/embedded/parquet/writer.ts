import { INTEGER, VARCHAR } from '@duckdb/node-api'
import type { LogStream } from '../../../../shared/record.ts'
import { appendRows } from '../columns.ts'
import { Engine } from '../engine.ts'
import { quoteText } from '../schema.ts'
import { type ArchivedLine, columnsSql, LABEL_COLUMNS, LINE_COLUMNS, labelValue } from './schema.ts'

const MEMORY_BYTES = 256 * 2 ** 20
const TEMP_BYTES = 4 * 2 ** 30
/** More than a file is given: it has one row group. */
const ROW_GROUP_ROWS = 1_000_000
const JOINED_ROWS = 100_000
const FORMAT = 'FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL'
/** Of zstd. */
const FAST = 3

const LABEL_NAMES = Object.keys(LABEL_COLUMNS) as (keyof typeof LABEL_COLUMNS)[]
const LABEL_TYPES = LABEL_NAMES.map((name) => (name === 'slot' ? INTEGER : VARCHAR))
const LABELS_SQL = columnsSql(Object.fromEntries(LABEL_NAMES.map((name, at) => [name, LABEL_TYPES[at]])))

/** Writes Parquet files of lines, each of one row group, sorted by stream and time. */
export class ParquetWriter {
  readonly #engine: Engine
  readonly #level: number

  private constructor(engine: Engine, level: number) {
    this.#engine = engine
    this.#level = level
  }

  /** @param tempDir a folder of its own, for what does not fit in memory; emptied. @param level of zstd. */
  static async open(tempDir: string, level = FAST): Promise<ParquetWriter> {
    const engine = await Engine.open({ memoryBytes: MEMORY_BYTES, tempDir, tempBytes: TEMP_BYTES })
    const { writer } = engine
    await writer.run('SET preserve_insertion_order = true')
    await writer.run(`CREATE TABLE lines(${columnsSql(LINE_COLUMNS)})`)
    await writer.run(`CREATE TABLE labels(stream INTEGER, ${LABELS_SQL})`)
    return new ParquetWriter(engine, level)
  }

  /** Makes streams known by their numbers, before lines of them come. */
  async addStreams(streams: readonly { readonly number: number; readonly stream: LogStream }[]): Promise<void> {
    await appendRows(this.#engine.writer, table('labels', [INTEGER, ...LABEL_TYPES]), streams, [
      ({ number }) => number,
      ...LABEL_NAMES.map(
        (name) =>
          ({ stream }: { readonly stream: LogStream }) =>
            labelValue(stream, name),
      ),
    ])
  }

  /** Takes lines for the next file. */
  async add(lines: readonly ArchivedLine[]): Promise<void> {
    await appendRows(this.#engine.writer, table('lines', Object.values(LINE_COLUMNS)), lines, [
      (line) => line.time,
      (line) => line.received,
      (line) => line.source,
      (line) => BigInt(line.ordinal),
      (line) => line.level,
      (line) => line.message,
      (line) => (line.fields === line.message ? null : line.fields),
      (line) => BigInt(line.cutFrom),
      (line) => line.headMissing,
      (line) => line.stream,
    ])
  }

  /** Writes a file of what was added since the last one. Throws when it does not hold just that. */
  async write(path: string): Promise<void> {
    const { writer } = this.#engine
    const columns = `l.* EXCLUDE (stream), l.stream, ${LABEL_NAMES.map((name) => `s.${name}`).join(', ')}`
    const order = 's.node_id, s.container_id, l.stream, l.time, l.source, l.ordinal'
    await writer.run(
      `COPY (SELECT ${columns} FROM lines l JOIN labels s ON s.stream = l.stream ORDER BY ${order}) TO ${quoteText(path)} ` +
        `(${FORMAT} ${this.#level}, ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`,
    )
    await this.#mustBeWhole(path)
    await writer.run('TRUNCATE lines')
  }

  /** Reads the file again: what it is of may be deleted once it is there. */
  async #mustBeWhole(path: string): Promise<void> {
    const sum = `SELECT count(*), sum(hash(${Object.keys(LINE_COLUMNS).join(', ')})) FROM`
    const both = await this.#engine.writer.run(`${sum} lines UNION ALL ${sum} read_parquet(${quoteText(path)})`)
    const [given, read] = (await both.getRows()).map(String)
    if (given !== read) throw new Error(`${path} has other lines than were written to it`)
  }

  /** Makes one file of several, whose row groups stay as they are. */
  async join(parts: readonly string[], path: string): Promise<void> {
    await this.#engine.writer.run(
      `COPY (SELECT * FROM read_parquet([${parts.map(quoteText).join(', ')}])) TO ${quoteText(path)} ` +
        `(${FORMAT} ${this.#level}, ROW_GROUP_SIZE ${JOINED_ROWS})`,
    )
  }

  async close(): Promise<void> {
    await this.#engine.close()
  }
}

function table(name: string, types: Parameters<typeof appendRows>[1]['types']) {
  return { database: 'memory', name, types }
}
