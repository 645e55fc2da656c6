import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Logger } from 'pino'
import type { LogRecord } from '../../../shared/record.ts'
import type { Retention } from '../../retention.ts'
import { type Appended, PartlyStored } from '../store.ts'
import { unavailable } from '../unavailable.ts'
import type { Admission } from './admission.ts'
import type { Catalog } from './catalog.ts'
import { failureOf, messageOf } from './failure.ts'
import type { Folder } from './folder.ts'
import { appendedOf } from './outcome.ts'
import { partitions, type Row, RowMaker } from './rows.ts'
import type { Segments } from './segments.ts'
import type { Serial } from './serial.ts'
import type { Streams } from './streams.ts'
import { writeRows } from './transaction.ts'

/** One commit takes so much at most; what waits longer is in the next one. */
const MAX_COMMIT_RECORDS = 100_000
const MAX_COMMIT_BYTES = 64 * 2 ** 20
/** Calls that may wait; beyond, they are refused and the senders try again later. */
const MAX_WAITING = 4096
const TURN = 4096
/** The log tells so often of lines that are left out. */
const TELL_EVERY_MS = 60_000
/** Damaged files that one commit may meet before it gives up, or times that there was no memory for it. */
const MAX_RETRIES = 8
/** Searches and archiving let go of memory soon; each time it waits longer. */
const MEMORY_WAIT_MS = 100

interface Call {
  readonly records: readonly LogRecord[]
  readonly bytes: number
  /** How many of them are older than lines are kept: they are left out. */
  expired: number
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: unknown) => void
}

/** What the writer needs of the store. */
export interface WriterOptions {
  readonly connection: DuckDBConnection
  readonly folder: Folder
  readonly catalog: Pick<Catalog, 'noteOpening'>
  readonly segments: Segments
  readonly streams: Streams
  readonly admission: Admission
  readonly serial: Serial
  readonly retention: Retention
  /** Bytes of the disk that stay free, so that a checkpoint never meets a full one. */
  readonly reserveBytes: number
  readonly log: Logger
  /** Newest `received` that is stored. */
  readonly lastReceived: bigint
  /** Called when the engine is beyond use. */
  readonly onFatal: () => void
}

/** Writes what `append` is given, all calls that wait in one durable commit. */
export class Writer {
  readonly #options: WriterOptions
  #waiting: Call[] = []
  #running: Promise<void> | undefined
  #lastReceived: bigint
  #reason = ''
  #stopped = ''
  /** Lines left out since it was last told. */
  #expired = 0
  #toldExpiredMs = 0

  constructor(options: WriterOptions) {
    this.#options = options
    this.#lastReceived = options.lastReceived
  }

  get lastReceived(): bigint {
    return this.#lastReceived
  }

  /** Why nothing can be written, or ''. */
  get reason(): string {
    return this.#reason
  }

  async append(records: readonly LogRecord[]): Promise<Appended> {
    if (this.#waiting.length >= MAX_WAITING) throw unavailable('store now: too many appends wait, try again later')
    return new Promise((resolve, reject) => {
      let bytes = 0
      for (const { message, fields } of records) bytes += message.length + fields.length
      this.#waiting.push({ records, bytes, expired: 0, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Refuses all that waits and comes. */
  stop(reason: string): void {
    this.#stopped = reason
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** Looks whether a full disk has room again, so that the status is right although nobody appends. */
  async checkSpace(): Promise<void> {
    if (this.#reason === '') return
    const { folder, reserveBytes } = this.#options
    if (this.#waiting.length === 0 && (await folder.freeBytes()) >= reserveBytes) this.#reason = ''
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const calls = this.#take()
      await this.#options.serial.run(() => this.#commit(calls))
    }
    this.#running = undefined
  }

  #take(): Call[] {
    let records = 0
    let bytes = 0
    let count = 0
    for (const call of this.#waiting) {
      records += call.records.length
      bytes += call.bytes
      if (count > 0 && (records > MAX_COMMIT_RECORDS || bytes > MAX_COMMIT_BYTES)) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #commit(calls: readonly Call[]): Promise<void> {
    const stored: Row[] = []
    const received = this.#nextReceived()
    try {
      if (this.#stopped !== '') throw new Error(this.#stopped)
      const bytes = calls.reduce((sum, call) => sum + call.bytes, 0)
      await this.#checkRoom(bytes)
      // Else a copy that went on could pass for what it was copied from.
      await this.#options.catalog.noteOpening()
      await this.#store(calls, received, stored)
      this.#moveTo(received, stored)
      this.#tellExpired(calls)
      for (const [index, appended] of (await appendedOf(calls, stored, received)).entries())
        calls[index]?.resolve(appended)
      if (this.#reason !== '') this.#options.log.info('store takes records again')
      this.#reason = ''
    } catch (error) {
      // What was noted in mind of these rows may not be stored, what was stored may not be noted.
      this.#options.admission.forget()
      if (failureOf(error) === 'fatal') this.#options.onFatal()
      if (this.#reason === '') this.#options.log.error({ err: error }, 'store cannot take records')
      this.#reason = messageOf(error)
      await this.#reject(calls, stored, received, error)
    }
  }

  /** What was stored before the error is there to be read, and must be told: a retry finds only duplicates of it. */
  async #reject(calls: readonly Call[], stored: readonly Row[], received: bigint, error: unknown): Promise<void> {
    const failure = unavailable(`store now: ${this.#reason}`, error)
    this.#moveTo(received, stored)
    for (const [index, appended] of (await appendedOf(calls, stored, received)).entries()) {
      const isPart = appended.stored.length > 0
      calls[index]?.reject(isPart ? new PartlyStored(failure.message, { ...appended, duplicates: 0 }, error) : failure)
    }
  }

  /** A commit that nothing was stored by is nowhere on the disk: after a restart it would not be known. */
  #moveTo(received: bigint, stored: readonly Row[]): void {
    if (stored.length > 0) this.#lastReceived = received
  }

  #tellExpired(calls: readonly Call[]): void {
    for (const { expired } of calls) this.#expired += expired
    if (this.#expired === 0 || Date.now() < this.#toldExpiredMs + TELL_EVERY_MS) return
    this.#options.log.info({ lines: this.#expired }, 'lines came that are older than lines are kept: left out')
    this.#expired = 0
    this.#toldExpiredMs = Date.now()
  }

  async #checkRoom(bytes: number): Promise<void> {
    const { folder, reserveBytes } = this.#options
    const free = await folder.freeBytes()
    if (free < reserveBytes + 2 * bytes)
      throw new Error(`the disk is full (${Math.floor(free / 2 ** 20)} MiB are free)`)
  }

  /**
   * Stores what is new, day by day, as a transaction can write to one file only, and notes it in `stored`. A damaged file is set aside by then, and
   * all is tried again, as it is when memory was lacking.
   */
  async #store(calls: readonly Call[], received: bigint, stored: Row[]): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        const rows = await this.#options.admission.admit(await this.#rows(calls))
        for (const part of partitions(rows)) {
          await this.#write(part, received)
          for (const row of part) stored.push(row)
        }
        return
      } catch (error) {
        this.#options.admission.forget()
        const failure = failureOf(error)
        if ((failure !== 'damaged' && failure !== 'memory') || attempt === MAX_RETRIES) throw error
        if (failure === 'memory') await delay(MEMORY_WAIT_MS * (attempt + 1))
      }
    }
  }

  async #rows(calls: readonly Call[]): Promise<Row[]> {
    const maker = new RowMaker(this.#options.streams, BigInt(Date.now()) * 1_000_000n, this.#options.retention)
    const rows: Row[] = []
    for (const [call, of] of calls.entries()) {
      of.expired = 0
      for (const [index, record] of of.records.entries()) {
        const row = maker.row(record, call)
        if (row === undefined) of.expired++
        else rows.push(row)
        if (index % TURN === TURN - 1) await nextTurn()
      }
    }
    return rows
  }

  async #write(rows: readonly Row[], received: bigint): Promise<void> {
    const [first] = rows
    if (first === undefined) return
    const { segments, connection } = this.#options
    const segment = await segments.writable(first.day, first.isOdd)
    try {
      await writeRows(connection, segment, rows, received)
    } catch (error) {
      // DuckDB shuts a file whose checkpoint failed; attached anew it has what was committed, no more and no less.
      const failure = failureOf(error)
      if (failure === 'damaged') await segments.setAside(segment, error)
      else if (failure !== 'fatal') await segments.reattach(segment)
      // Only the checkpoint behind it failed: the lines are stored.
      if (failure !== 'durable') throw error
    }
    await segments.measure(segment)
  }

  #nextReceived(): bigint {
    const now = BigInt(Date.now()) * 1_000_000n
    return now > this.#lastReceived ? now : this.#lastReceived + 1n
  }
}
