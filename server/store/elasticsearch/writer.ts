import { setImmediate as nextTurn } from 'node:timers/promises'
import type { LogRecord } from '../../../shared/record.ts'
import type { Retention } from '../../retention.ts'
import type { Appended } from '../store.ts'
import { unavailable } from '../unavailable.ts'
import type { Admission } from './admission.ts'
import { answerCalls } from './answers.ts'
import { type Call, Calls } from './calls.ts'
import { CommitClock } from './commit-clock.ts'
import type { Counts } from './counts.ts'
import type { Freshness } from './freshness.ts'
import type { Health } from './health.ts'
import { RowWriter, type RowWriterParts } from './row-writer.ts'
import { ForeignOrdinals, type Row, RowMaker } from './rows.ts'
import type { Streams } from './streams.ts'

/** Commits under way at once. */
const MAX_COMMITS = 4
const TURN = 2048

/** A commit under way, and the ids that its lines may have. */
interface Commit {
  readonly ids: ReadonlySet<string>
  readonly done: Promise<void>
}

/** What the writer needs of the store. */
export interface WriterOptions extends RowWriterParts {
  readonly streams: Streams
  readonly counts: Counts
  readonly freshness: Freshness
  readonly admission: Admission
  readonly health: Health
  readonly retention: Retention
  readonly lastReceived: bigint
}

/** Writes what `append` is given, all calls that wait in one commit; a few commits are under way at once, and are answered in their order. */
export class Writer {
  readonly #options: WriterOptions
  readonly #rowWriter: RowWriter
  readonly #clock: CommitClock
  readonly #foreignOrdinals = new ForeignOrdinals()
  readonly #calls = new Calls()
  #running: Promise<void> | undefined
  #commits = new Set<Commit>()
  #previous: Promise<void> = Promise.resolve()

  constructor(options: WriterOptions) {
    this.#options = options
    this.#rowWriter = new RowWriter(options)
    this.#clock = new CommitClock(options.lastReceived)
  }

  get lastReceived(): bigint {
    return this.#clock.committed
  }

  /** Lines that Elasticsearch refused since the start. */
  get refused(): number {
    return this.#rowWriter.refused
  }

  /** All that is appended from now on is committed with a greater `received` than what this answers, which is at least `atLeast`. */
  mark(atLeast: bigint): bigint {
    return this.#clock.mark(atLeast)
  }

  /** Another server committed something. */
  sawReceived(received: bigint): void {
    if (this.#commits.size === 0 && this.#running === undefined) this.#clock.commit(received)
  }

  async append(records: readonly LogRecord[]): Promise<Appended> {
    const { reason } = this.#options.health
    if (reason !== '') throw unavailable(`store now: ${reason}`)
    return new Promise((resolve, reject) => {
      this.#calls.add({ records, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing waits any more, and nothing is under way. */
  async drain(): Promise<void> {
    while (this.#running !== undefined) await this.#running
    await this.#previous
  }

  async #run(): Promise<void> {
    while (!this.#calls.isEmpty) {
      const calls = this.#calls.take()
      try {
        await this.#start(calls)
      } catch (error) {
        for (const call of calls) call.reject(error)
      }
    }
    this.#running = undefined
  }

  /** Decides what is new, and begins to write it; resolves when the next commit may begin. */
  async #start(calls: readonly Call[]): Promise<void> {
    const { insist, admission } = this.#options
    const all = await this.#rows(calls)
    await insist.on(() => admission.learn(all))
    const isGuess = all.some((row) => admission.isGuess(row))
    // Those whose ordinals are guesses can have the same one and be different lines.
    const ids = new Set<string>()
    let rows = withoutTwins(all, ids, (row) => !isGuess || !admission.isGuess(row))
    // What a commit under way may be writing, too, is only known when that has ended.
    if (isGuess || this.#meetsOthers(ids)) await this.#quiet()
    if (isGuess) rows = await insist.on(() => admission.admit(rows))
    rows = await insist.on(() => admission.withoutStoredElsewhere(rows))
    const commit = { ids, done: this.#begin(calls, rows) }
    this.#commits.add(commit)
    commit.done.finally(() => this.#commits.delete(commit))
    if (isGuess) await commit.done
    while (this.#commits.size >= MAX_COMMITS) await Promise.race([...this.#commits].map(({ done }) => done))
  }

  async #rows(calls: readonly Call[]): Promise<Row[]> {
    const { names, indices, streams, retention } = this.#options
    const now = BigInt(Date.now()) * 1_000_000n
    const maker = new RowMaker({ names, indices, streams, foreignOrdinals: this.#foreignOrdinals }, now, retention)
    const rows: Row[] = []
    for (const [number, call] of calls.entries()) {
      call.expired = 0
      for (const [index, record] of call.records.entries()) {
        const row = maker.row(record, number)
        if (row === undefined) call.expired++
        else rows.push(row)
        if (index % TURN === TURN - 1) await nextTurn()
      }
    }
    return rows
  }

  #meetsOthers(wanted: ReadonlySet<string>): boolean {
    for (const { ids } of this.#commits) for (const id of wanted) if (ids.has(id)) return true
    return false
  }

  async #quiet(): Promise<void> {
    while (this.#commits.size > 0) await Promise.all([...this.#commits].map(({ done }) => done))
  }

  #begin(calls: readonly Call[], rows: readonly Row[]): Promise<void> {
    this.#previous = this.#commit(calls, rows, this.#clock.next(), this.#previous)
    return this.#previous
  }

  /** Never rejects: the calls are told. */
  async #commit(calls: readonly Call[], rows: readonly Row[], received: bigint, before: Promise<void>): Promise<void> {
    try {
      const written = await this.#rowWriter.write(rows, received)
      const { rows: stored } = written
      await before
      const { freshness, counts } = this.#options
      for (const index of new Set(stored.map((row) => row.index))) freshness.wrote(index)
      counts.add(stored)
      if (stored.length > 0) this.#clock.commit(received)
      answerCalls(calls, written, received)
    } catch (error) {
      await before
      for (const call of calls) call.reject(error)
    }
  }
}

/** The rows, each id once; of those only that are known by it, whose ids are added to the set. */
function withoutTwins(rows: readonly Row[], ids: Set<string>, isKnownById: (row: Row) => boolean): Row[] {
  return rows.filter((row) => !isKnownById(row) || ids.size < ids.add(row.id).size)
}
