import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from 'pino'
import { comparePositions, type LogRecord, positionOf, type StoredRecord } from '../../../shared/record.ts'
import { greater } from '../bigint.ts'
import type { Appended } from '../store.ts'
import { unavailable } from '../unavailable.ts'
import type { Admission } from './admission.ts'
import type { Bulk, Outcome } from './bulk.ts'
import type { Counts } from './counts.ts'
import { documentOf, storedRecord } from './documents.ts'
import type { Freshness } from './freshness.ts'
import type { Health } from './health.ts'
import type { Indices } from './indices.ts'
import type { Insist } from './insist.ts'
import { dayOf, type Names } from './names.ts'
import { type Note, noteId } from './notes.ts'
import { ForeignOrdinals, type Row, RowMaker } from './rows.ts'
import type { Streams } from './streams.ts'

/** One commit takes so much at most; what waits longer is in the next one. */
const MAX_COMMIT_RECORDS = 10_000
const MAX_COMMIT_BYTES = 8 * 2 ** 20
/** Commits under way at once. */
const MAX_COMMITS = 3
/** Calls and bytes that may wait; beyond, calls are refused and the senders try again later. */
const MAX_WAITING = 4096
const MAX_WAITING_BYTES = 32 * 2 ** 20
const TURN = 2048
/** Characters of a refused line's document that are kept. */
const MAX_DEAD = 16 * 2 ** 20
const MAX_DEAD_HEAD = 32 * 2 ** 10

interface Call {
  readonly records: readonly LogRecord[]
  readonly bytes: number
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: unknown) => void
}

/** A commit under way. */
interface Commit {
  readonly ids: ReadonlySet<string>
  readonly done: Promise<void>
}

/** What the writer needs of the store. */
export interface WriterOptions {
  readonly names: Names
  readonly streams: Streams
  readonly indices: Indices
  readonly counts: Counts
  readonly freshness: Freshness
  readonly admission: Admission
  readonly bulk: Bulk
  readonly insist: Insist
  readonly health: Health
  readonly meta: string
  readonly retentionNs: bigint
  readonly log: Logger
  readonly lastReceived: bigint
}

/** Writes what `append` is given, all calls that wait in one commit; a few commits are under way at once, and are answered in their order. */
export class Writer {
  readonly #options: WriterOptions
  readonly #foreignOrdinals = new ForeignOrdinals()
  #waiting: Call[] = []
  #waitingBytes = 0
  #running: Promise<void> | undefined
  #commits = new Set<Commit>()
  #previous: Promise<void> = Promise.resolve()
  #lastReceived: bigint
  #lastGiven: bigint
  /** Lines that Elasticsearch refused since the start. */
  refused = 0

  constructor(options: WriterOptions) {
    this.#options = options
    this.#lastReceived = options.lastReceived
    this.#lastGiven = options.lastReceived
  }

  get lastReceived(): bigint {
    return this.#lastReceived
  }

  /** All that is appended from now on is committed with a greater `received` than what this answers, which is at least `atLeast`. */
  mark(atLeast: bigint): bigint {
    this.#lastGiven = greater(this.#lastGiven, greater(clock(), atLeast))
    return this.#lastGiven
  }

  /** Another server committed something. */
  sawReceived(received: bigint): void {
    if (this.#commits.size > 0 || this.#running !== undefined || received <= this.#lastReceived) return
    this.#lastReceived = received
    if (received > this.#lastGiven) this.#lastGiven = received
  }

  async append(records: readonly LogRecord[]): Promise<Appended> {
    const { reason } = this.#options.health
    if (reason !== '') throw unavailable(`store now: ${reason}`)
    const isFull = this.#waiting.length >= MAX_WAITING || this.#waitingBytes > MAX_WAITING_BYTES
    if (isFull) throw unavailable('store now: too many appends wait, try again later')
    return new Promise((resolve, reject) => {
      let bytes = 0
      for (const { message, fields } of records) bytes += message.length + fields.length
      this.#waitingBytes += bytes
      this.#waiting.push({ records, bytes, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing waits any more, and nothing is under way. */
  async drain(): Promise<void> {
    while (this.#running !== undefined) await this.#running
    await this.#previous
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const calls = this.#take()
      try {
        await this.#start(calls)
      } catch (error) {
        for (const call of calls) call.reject(error)
      }
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
    const calls = this.#waiting.splice(0, count)
    for (const call of calls) this.#waitingBytes -= call.bytes
    return calls
  }

  /** Decides what is new, and begins to write it; resolves when the next commit may begin. */
  async #start(calls: readonly Call[]): Promise<void> {
    const { insist, admission } = this.#options
    const all = await this.#rows(calls)
    await insist.on(() => admission.learn(all))
    const isGuess = all.some((row) => admission.isGuess(row))
    // Those whose ordinals are guesses can have the same one and be different lines.
    let rows = withoutTwins(all, (row) => !isGuess || !admission.isGuess(row))
    // What a commit under way may be writing, too, is only known when that has ended.
    if (isGuess || this.#meetsOthers(rows)) await this.#quiet()
    if (isGuess) rows = await insist.on(() => admission.admit(rows))
    rows = await insist.on(() => admission.withoutStoredOdd(rows))
    const commit = this.#begin(calls, rows)
    this.#commits.add(commit)
    commit.done.finally(() => this.#commits.delete(commit))
    if (isGuess) await commit.done
    while (this.#commits.size >= MAX_COMMITS) await Promise.race([...this.#commits].map(({ done }) => done))
  }

  async #rows(calls: readonly Call[]): Promise<Row[]> {
    const { names, streams, retentionNs } = this.#options
    const now = BigInt(Date.now()) * 1_000_000n
    const maker = new RowMaker({ names, streams, foreignOrdinals: this.#foreignOrdinals }, now, retentionNs)
    const rows: Row[] = []
    for (const [call, { records }] of calls.entries()) {
      for (const record of records) {
        rows.push(maker.row(record, call))
        if (rows.length % TURN === 0) await nextTurn()
      }
    }
    return rows
  }

  #meetsOthers(rows: readonly Row[]): boolean {
    for (const { ids } of this.#commits) if (rows.some(({ id }) => ids.has(id))) return true
    return false
  }

  async #quiet(): Promise<void> {
    while (this.#commits.size > 0) await Promise.all([...this.#commits].map(({ done }) => done))
  }

  #begin(calls: readonly Call[], rows: readonly Row[]): Commit {
    const received = this.#nextReceived()
    const before = this.#previous
    const done = this.#commit(calls, rows, received, before)
    this.#previous = done
    return { ids: new Set(rows.map(({ id }) => id)), done }
  }

  /** Never rejects: the calls are told. */
  async #commit(calls: readonly Call[], rows: readonly Row[], received: bigint, before: Promise<void>): Promise<void> {
    try {
      const stored = await this.#write(rows, received)
      await before
      const { freshness, counts } = this.#options
      for (const index of new Set(stored.map((row) => row.index))) freshness.wrote(index)
      counts.add(stored)
      if (stored.length > 0) this.#lastReceived = received
      settle(calls, stored, received)
    } catch (error) {
      await before
      for (const call of calls) call.reject(error)
    }
  }

  /** Resolves with the rows that were new, when all are durable. */
  async #write(rows: readonly Row[], received: bigint): Promise<Row[]> {
    const { bulk, indices, insist } = this.#options
    await this.#writeStreams(rows)
    for (const index of new Set(rows.map((row) => row.index))) await insist.on(() => indices.ensure(index))
    const operations = []
    for (const [count, row] of rows.entries()) {
      const { index, id } = row
      operations.push({ action: 'create' as const, index, id, document: documentOf(row, received) })
      if (count % TURN === TURN - 1) await nextTurn()
    }
    const mark = String(received)
    const outcomes = await bulk.write(operations, (source) => Object.values(source).includes(mark))
    await this.#bury(rows, outcomes, received)
    return rows.filter((_, index) => outcomes[index] === 'written')
  }

  /** Notes the streams, before any line refers to them; renewed each day, so that those not needed any more can be told. */
  async #writeStreams(rows: readonly Row[]): Promise<void> {
    const today = dayOf(BigInt(Date.now()) * 1_000_000n)
    const entries = new Set<Row['entry']>()
    for (const { entry } of rows) if (entry.renewed !== today) entries.add(entry)
    if (entries.size === 0) return
    const operations = [...entries].map(({ id, labels }) => {
      const note: Note = { kind: 'stream', seen: Date.now(), data: labels }
      return {
        action: 'index' as const,
        index: this.#options.meta,
        id: noteId('stream', id),
        document: JSON.stringify(note),
      }
    })
    await this.#options.bulk.write(operations)
    for (const entry of entries) entry.renewed = today
  }

  /** Keeps what Elasticsearch will never take where it takes anything, with the reason. */
  async #bury(rows: readonly Row[], written: readonly Outcome[], received: bigint): Promise<void> {
    const { names, indices, insist, bulk, log } = this.#options
    const index = names.dead(dayOf(received))
    const operations = rows.flatMap((row, place) => {
      const outcome = written[place]
      if (typeof outcome !== 'object') return []
      const [document, short] = [MAX_DEAD, MAX_DEAD_HEAD].map((length) =>
        deadDocument(row, outcome.refused, received, length),
      )
      return [{ action: 'create' as const, index, id: row.id, document: document ?? '', short: short ?? '' }]
    })
    if (operations.length === 0) return
    await insist.on(() => indices.ensure(index))
    const outcomes = await bulk.write(operations)
    // What is too large even for that leaves its beginning.
    const large = operations.filter((_, place) => typeof outcomes[place] === 'object')
    await bulk.write(large.map((operation) => ({ ...operation, document: operation.short })))
    this.refused += outcomes.filter((outcome) => outcome !== 'exists').length
    log.error({ index, records: operations.length }, 'Elasticsearch refused records, which were put aside')
  }

  #nextReceived(): bigint {
    const now = clock()
    this.#lastGiven = now > this.#lastGiven ? now : this.#lastGiven + 1n
    return this.#lastGiven
  }
}

/** Now, to the nanosecond, so that no other server's commit has the same. */
function clock(): bigint {
  const micros = BigInt(Math.floor((performance.timeOrigin + performance.now()) * 1000))
  return micros * 1000n + (process.hrtime.bigint() % 1000n)
}

/** The rows, each id once; of those only that are known by it. */
function withoutTwins(rows: readonly Row[], isKnownById: (row: Row) => boolean): Row[] {
  const ids = new Set<string>()
  return rows.filter((row) => !isKnownById(row) || ids.size < ids.add(row.id).size)
}

function deadDocument(row: Row, reason: string, received: bigint, length: number): string {
  const { containerId, service } = row.record.stream
  const head = { '@timestamp': new Date(Number(received / 1_000_000n)).toISOString(), reason }
  const labels = { 'container.id': containerId.slice(0, 1024), 'service.name': service.slice(0, 1024) }
  return JSON.stringify({ ...head, ...labels, document: documentOf(row, received).slice(0, length) })
}

function settle(calls: readonly Call[], rows: readonly Row[], received: bigint): void {
  const stored: StoredRecord[][] = calls.map(() => [])
  for (const row of rows) stored[row.call]?.push(storedRecord(row, received))
  for (const [index, call] of calls.entries()) {
    const own = stored[index] ?? []
    if (!isSorted(own)) own.sort((a, b) => comparePositions(positionOf(a), positionOf(b)))
    call.resolve({ stored: own, duplicates: call.records.length - own.length, received })
  }
}

function isSorted(records: readonly StoredRecord[]): boolean {
  for (const [index, record] of records.entries()) {
    const before = records[index - 1]
    if (before !== undefined && comparePositions(positionOf(before), positionOf(record)) > 0) return false
  }
  return true
}
