import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { INTEGER } from '@duckdb/node-api'
import type { Logger } from 'pino'
import { appendRows } from './columns.ts'
import type { Engine, Reader } from './engine.ts'
import { messageOf } from './failure.ts'
import { type Folder, removeDatabase, UNFINISHED } from './folder.ts'
import { CREATE_OPTIONS, quoteText, SEGMENT_TABLES } from './schema.ts'
import type { Segment } from './segment.ts'
import type { Segments } from './segments.ts'
import type { Serial } from './serial.ts'
import type { Entry } from './streams.ts'
import { trySealSegment } from './transaction.ts'

/** So many rows are copied at a time. */
const BATCH_ROWS = 122_880
const LINES = 'l.source, l.ordinal, l.received, l.level, l.flags, l.cut_from, l.long, l.message, l.fields'
const RESTS = 'l.source, l.ordinal, l.kind, l.number, l.skip, l.text'

/** What the thinner needs of the store. */
export interface ThinnerOptions {
  readonly engine: Engine
  readonly segments: Segments
  readonly serial: Serial
  readonly folder: Folder
  readonly log: Logger
  /** Bytes of the disk that stay free. */
  readonly reserveBytes: number
}

/** A segment that others go on using, and streams of it that nobody may see any more. */
export interface Overdue {
  readonly segment: Segment
  readonly streams: ReadonlySet<Entry>
}

/**
 * Takes streams out of segments whose other lines stay: writes a new segment without them, in the background, and puts it in the place of
 * the old one in one step. Nothing else would give the space back, and searches that have begun go on with what they began with.
 */
export class Thinner {
  readonly #options: ThinnerOptions
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: ThinnerOptions) {
    this.#options = options
  }

  /** Thins segments, one after the other; resolves at once while it does already. */
  async run(overdue: readonly Overdue[]): Promise<void> {
    if (this.#running !== undefined || this.#stopping.signal.aborted) return
    this.#running = this.#thinAll(overdue).finally(() => {
      this.#running = undefined
    })
    await this.#running
  }

  /** Ends the work; nothing of it runs any more when it resolves. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #thinAll(overdue: readonly Overdue[]): Promise<void> {
    const { log } = this.#options
    for (const { segment, streams } of overdue) {
      if (this.#stopping.signal.aborted) return
      try {
        await this.#thin(segment, streams)
      } catch (error) {
        if (!this.#stopping.signal.aborted)
          log.warn({ segment: segment.name, err: error }, 'expired streams of a segment cannot be deleted now')
      }
    }
  }

  async #thin(segment: Segment, gone: ReadonlySet<Entry>): Promise<void> {
    const { serial, segments, folder, log } = this.#options
    const claim = await serial.run(() => this.#claim(segment))
    if (claim === undefined) return
    const path = `${folder.segments}/thinned${UNFINISHED}`
    try {
      await this.#write(segment, gone, path)
      const records = [...gone].reduce((sum, entry) => sum + (segment.streams.get(entry)?.records ?? 0), 0)
      await serial.run(async () => {
        // A backup reads it, or it is gone: another time.
        if (segment.holder !== claim || segment.gone !== '') return
        await segments.replace(segment, path, segment.records - records)
        log.info({ segment: segment.name, streams: gone.size, records, of: segment.records }, 'streams expired')
      })
    } finally {
      if (segment.holder === claim) segment.holder = undefined
      await removeDatabase(path)
    }
  }

  /** Has the file stay as it is: lines that come for it go to a new segment. */
  async #claim(segment: Segment): Promise<Segment['holder']> {
    const { engine, folder, reserveBytes } = this.#options
    if (segment.gone !== '' || segment.isClosed || segment.isReadOnly || segment.holder !== undefined) return undefined
    if ((await folder.freeBytes()) < segment.bytes + reserveBytes) throw new Error('the disk is full')
    if (segment.isDirty && !(await trySealSegment(engine.writer, segment))) return undefined
    segment.holder = { letGo: async () => false }
    return segment.holder
  }

  async #write(segment: Segment, gone: ReadonlySet<Entry>, path: string): Promise<void> {
    const reader = await this.#options.engine.lease(this.#stopping.signal)
    segment.pin()
    try {
      await removeDatabase(path)
      await this.#do(reader, 'DETACH DATABASE IF EXISTS thinned')
      await this.#do(reader, `ATTACH ${quoteText(path)} AS thinned (${CREATE_OPTIONS})`)
      try {
        await this.#copy(reader, segment, gone)
        await this.#do(reader, 'CHECKPOINT thinned')
      } finally {
        await reader.use((connection) => connection.run('DETACH thinned')).catch(messageOf)
      }
    } finally {
      segment.unpin()
      reader.release()
    }
  }

  async #copy(reader: Reader, segment: Segment, gone: ReadonlySet<Entry>): Promise<void> {
    const { database } = segment
    for (const table of SEGMENT_TABLES) await this.#do(reader, `CREATE TABLE thinned.${table}`)
    const kept = [...segment.streams].filter(([entry]) => !gone.has(entry)).map(([, held]) => held)
    await this.#number(
      reader,
      kept.map(({ id }) => id),
    )
    const from = (table: string): string => `FROM ${database}.${table} l JOIN temp.kept k ON l.`
    await this.#do(reader, `INSERT INTO thinned.streams SELECT k.next, l.labels ${from('streams')}id = k.id`)
    for (const [table, columns] of [
      ['lines', LINES],
      ['rests', RESTS],
    ] as const) {
      const insert = `INSERT INTO thinned.${table} SELECT l.time, k.next, ${columns} ${from(table)}stream = k.id`
      const rows = await this.#count(reader, `SELECT coalesce(max(rowid) + 1, 0) FROM ${database}.${table}`)
      for (let row = 0; row < rows; row += BATCH_ROWS)
        await this.#do(reader, `${insert} WHERE l.rowid >= ${row} AND l.rowid < ${row + BATCH_ROWS}`)
    }
    await this.#do(reader, `INSERT INTO thinned.chunks SELECT * FROM ${database}.chunks`)
    const counts = 'l.records, l.first, l.last, l.received, l.ahead, l.text'
    await this.#do(reader, `INSERT INTO thinned.sealed SELECT k.next, ${counts} ${from('sealed')}stream = k.id`)
    const copied = await this.#count(reader, 'SELECT count(*) FROM thinned.lines')
    const wanted = kept.reduce((sum, { records }) => sum + records, 0)
    if (copied !== wanted) throw new Error(`of ${wanted} lines ${copied} were copied`)
  }

  /** Numbers within a segment are without a hole. */
  async #number(reader: Reader, ids: readonly number[]): Promise<void> {
    await this.#do(reader, 'CREATE OR REPLACE TEMP TABLE kept(id INTEGER, next INTEGER)')
    const table = { database: 'temp', name: 'kept', types: [INTEGER, INTEGER] }
    const numbered = ids.map((id, index) => [id, index + 1] as const)
    await reader.use((connection) => appendRows(connection, table, numbered, [([id]) => id, ([, next]) => next]))
  }

  async #count(reader: Reader, sql: string): Promise<number> {
    return reader.use(async (connection) => Number((await (await connection.run(sql)).getRows())[0]?.[0] ?? 0))
  }

  /** Does a piece of the work, then rests as long as it took. */
  async #do(reader: Reader, sql: string): Promise<void> {
    const { signal } = this.#stopping
    signal.throwIfAborted()
    const started = performance.now()
    await reader.use((connection) => connection.run(sql))
    await delay(performance.now() - started, undefined, { signal }).catch(messageOf)
  }
}
