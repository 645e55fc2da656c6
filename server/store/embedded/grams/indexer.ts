import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { DuckDBBlobVector, DuckDBDataChunk } from '@duckdb/node-api'
import type { Logger } from 'pino'
import { greater, smaller } from '../../bigint.ts'
import { bigintColumn } from '../columns.ts'
import type { Engine, Reader } from '../engine.ts'
import { messageOf } from '../failure.ts'
import type { Folder } from '../folder.ts'
import { MESSAGE } from '../long.ts'
import { isIdle } from '../retention.ts'
import type { Segment } from '../segment.ts'
import type { Segments } from '../segments.ts'
import type { Block } from './file.ts'
import { BLOCK_ROWS, Signer } from './signature.ts'
import { WordCounter } from './word-counter.ts'

/** So many are read at a time. */
const READ_ROWS = 2_048
/** After an error it waits for so long. */
const RETRY_MS = 60_000
/** Lines as the indexer reads them: the group (see `groupOf`), a mark, the text without newlines, which end words like blanks; a newline. */
const LINES = "(stream * 16 + level * 2 + source)::VARCHAR || chr(31) || replace(message, chr(10), ' ')"
const [NEWLINE, MARK, ZERO] = [10, 31, 48]

/** What the indexer needs of the store. */
export interface IndexerOptions {
  readonly engine: Engine
  readonly segments: Pick<Segments, 'all'>
  readonly folder: Pick<Folder, 'freeBytes'>
  readonly log: Logger
  /** Bytes of the disk that stay free. */
  readonly reserveBytes: number
}

/**
 * Makes the signatures of rows that have none, the newest segment first, in the background: one block at a time, and after each it rests
 * for as long as it worked. An error of it is none of the store: rows without signatures are just read.
 */
export class Indexer {
  readonly #options: IndexerOptions
  readonly #signer = new Signer()
  readonly #words = new WordCounter()
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #notBeforeMs = 0
  /** Segments whose files cannot be had now, and when to look again. */
  readonly #later = new WeakMap<Segment, number>()

  constructor(options: IndexerOptions) {
    this.#options = options
  }

  /** Sees to what is without signatures, unless it does already. */
  start(): void {
    if (this.#stopping.signal.aborted || performance.now() < this.#notBeforeMs || this.#next() === undefined) return
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Does what there is to do; resolves when nothing is left, or when it has met an error. */
  async finish(): Promise<void> {
    this.start()
    await this.#running
  }

  /** Ends the work; nothing of it runs any more when it resolves. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    try {
      for (let segment = this.#next(); segment !== undefined && !signal.aborted; segment = this.#next()) {
        const started = performance.now()
        segment.pin()
        try {
          if (segment.grams.isLoaded) await this.#addBlock(segment)
          else await this.#load(segment)
        } finally {
          segment.unpin()
        }
        await this.#rest(performance.now() - started)
      }
    } catch (error) {
      this.#notBeforeMs = performance.now() + RETRY_MS
      if (!signal.aborted)
        this.#options.log.warn({ err: error }, 'index of words cannot be made now: searches read all')
    }
  }

  /** A segment with something to do, the newest one. */
  #next(): Segment | undefined {
    const now = performance.now()
    return this.#options.segments.all.findLast((segment) =>
      segment.grams.isLoaded ? !segment.isReadOnly && rowsToAdd(segment) > 0 : now >= (this.#later.get(segment) ?? 0),
    )
  }

  async #rest(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(messageOf)
  }

  /** Takes over what an earlier server made, when it is of the rows that are there. */
  async #load(segment: Segment): Promise<void> {
    const { grams, database, archived } = segment
    let started = performance.now()
    const rest = async (): Promise<void> => {
      this.#stopping.signal.throwIfAborted()
      if (performance.now() - started < 10) return
      await this.#rest(performance.now() - started)
      started = performance.now()
    }
    // Before it is read: one that is damaged may be fetched anew.
    let areSound: boolean | undefined
    try {
      areSound = await archived?.areWordsSound()
    } catch (err) {
      this.#later.set(segment, performance.now() + RETRY_MS)
      this.#options.log.warn({ err }, 'index of words of an archived day cannot be used now: searches read all of it')
      return
    }
    const isCurrent = async ({ from, to, received }: Block): Promise<boolean> => {
      if (areSound !== undefined) return areSound
      const sql = `SELECT max(received), count(*) FROM ${database}.lines WHERE rowid >= ${from} AND rowid < ${to}`
      return this.#reading(async (reader) => {
        for await (const chunk of reader.chunks(sql))
          return bigintColumn(chunk, 0)(0) === received && bigintColumn(chunk, 1)(0) === BigInt(to - from)
        return false
      })
    }
    await grams.load(isCurrent, rest)
  }

  async #addBlock(segment: Segment): Promise<void> {
    const { grams } = segment
    const { folder, reserveBytes } = this.#options
    const { generation, rows: from } = grams
    const to = from + rowsToAdd(segment)
    if ((await folder.freeBytes()) < reserveBytes) throw new Error('the disk is full')
    const block = await this.#reading((reader) => this.#read(reader, segment, { from, to }))
    const [signed, counts] = [this.#signer.finish(), this.#words.finish()]
    if (grams.generation === generation && segment.gone === '') await grams.append(block, signed, counts)
  }

  /** Gives the texts of a block to the signer. */
  async #read(reader: Reader, { database }: Segment, { from, to }: Pick<Block, 'from' | 'to'>): Promise<Block> {
    let block: Block | undefined
    let hasLong = false
    for (let row = from; row < to; row += READ_ROWS) {
      const sql =
        `SELECT encode(string_agg(${LINES}, chr(10))), min(time), max(time), max(received), count(*), sum(long)::BIGINT ` +
        `FROM ${database}.lines WHERE rowid >= ${row} AND rowid < ${row + READ_ROWS}`
      for await (const chunk of reader.chunks(sql)) {
        const [first, last, received, count, long] = [1, 2, 3, 4, 5].map((column) => bigintColumn(chunk, column)(0))
        // Nor may there be more of them behind the last block: searches would not look there.
        if (count !== BigInt(Math.min(READ_ROWS, to - row)))
          throw new Error(`rows from ${row} of ${database} are others`)
        block = joined(block, { from, to, first: first ?? 0n, last: last ?? 0n, received: received ?? 0n })
        hasLong ||= long !== 0n
        // Words of a long line are not all in its first piece.
        if (hasLong) this.#words.giveUp()
        this.#addLines(chunk)
      }
    }
    if (block === undefined) throw new Error('BUG: a block without rows')
    // Those of other blocks at these times do no harm.
    const times = `r.time BETWEEN ${block.first}::BIGINT AND ${block.last}::BIGINT`
    const rests = `SELECT encode(r.text) FROM ${database}.rests r WHERE r.kind = ${MESSAGE} AND ${times}`
    // Words of a long line are not all in its first piece.
    if (hasLong) this.#words.giveUp()
    if (hasLong)
      for await (const chunk of reader.chunks(rests)) for (const text of textsOf(chunk)) this.#signer.add(text)
    return block
  }

  #addLines(chunk: DuckDBDataChunk): void {
    for (const lines of textsOf(chunk)) {
      for (let at = 0; at < lines.length; at++) {
        let group = 0
        for (; lines[at] !== MARK; at++) group = group * 10 + (lines[at] ?? 0) - ZERO
        const end = lines.indexOf(NEWLINE, at)
        const text = lines.subarray(at + 1, end < 0 ? lines.length : end)
        this.#signer.add(text)
        this.#words.add(group, text)
        at += text.length + 1
      }
    }
  }

  async #reading<T>(work: (reader: Reader) => Promise<T>): Promise<T> {
    const reader = await this.#options.engine.lease(this.#stopping.signal)
    try {
      return await work(reader)
    } catch (error) {
      // What was added of the block must not count for the next one.
      this.#signer.finish()
      this.#words.finish()
      throw error
    } finally {
      reader.release()
    }
  }
}

function* textsOf(chunk: DuckDBDataChunk): Generator<Uint8Array> {
  const texts = chunk.getColumnVector(0) as DuckDBBlobVector
  for (let row = 0; row < chunk.rowCount; row++) {
    const text = texts.getItemBytes(row)
    if (text !== null) yield text
  }
}

/** Of how many rows the next block is; none as long as others may soon follow. */
function rowsToAdd(segment: Segment): number {
  const rest = segment.records - segment.grams.rows
  return rest >= BLOCK_ROWS || (rest > 0 && isIdle(segment, Date.now())) ? Math.min(rest, BLOCK_ROWS) : 0
}

function joined(a: Block | undefined, b: Block): Block {
  if (a === undefined) return b
  return {
    ...b,
    first: smaller(a.first, b.first),
    last: greater(a.last, b.last),
    received: greater(a.received, b.received),
  }
}
