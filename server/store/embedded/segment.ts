import type { DuckDBConnection } from '@duckdb/node-api'
import { bigintColumn, numberColumn, textColumn } from './columns.ts'
import { AHEAD, quoteName } from './schema.ts'
import { type Counts, count, type Entry, type Streams } from './streams.ts'

const NS_PER_DAY = 86_400_000_000_000n

/** What a segment holds of one stream. */
export interface Held extends Counts {
  /** Number of the stream within the segment. */
  readonly id: number
  /** Newest `received`. */
  received: bigint
  /** Oldest `received` among its lines whose clock ran ahead; undefined when there are none. */
  ahead: bigint | undefined
}

/**
 * One file: the lines of one UTC day (of their own time), or of those whose time is out of all reason (`odd`) the lines that arrived on
 * that day. A day has several when the first ones are full.
 */
export class Segment {
  readonly name: string
  readonly path: string
  /** UTC day, 2026-11-21. */
  readonly day: string
  readonly isOdd: boolean
  readonly number: number
  readonly streams = new Map<Entry, Held>()
  /** Bytes of the file and its WAL, as of the last look. */
  bytes = 0
  /** Written to since it was last sealed. */
  isDirty = false
  /** It holds lines whose texts are in pieces. */
  hasLong = false
  /** It could only be attached for reading (the disk is full). */
  isReadOnly = false
  /** Why it is no longer among the segments. */
  gone: '' | 'expired' | 'damaged' = ''
  lastWriteMs = 0
  /** Lines in it, and the newest `received` among them. */
  records = 0
  received = 0n
  #readers = 0
  #onQuiet: (() => void) | undefined

  constructor(folder: string, name: string) {
    const { day, isOdd, number } = parseSegmentName(name)
    this.name = name
    this.path = `${folder}/${name}.duckdb`
    this.day = day
    this.isOdd = isOdd
    this.number = number
  }

  /** As SQL takes it. */
  get database(): string {
    return quoteName(this.name)
  }

  get partition(): string {
    return partitionOf(this.day, this.isOdd)
  }

  /** When the newest of its lines may be forgotten is counted from here: its time, for odd ones the end of the day of arrival. */
  get newest(): bigint {
    const end = BigInt(Date.parse(this.day)) * 1_000_000n + NS_PER_DAY - 1n
    if (this.isOdd) return end
    let newest = 0n
    for (const { last } of this.streams.values()) if (last > newest) newest = last
    return newest < end ? newest : end
  }

  /** Time of its oldest line; undefined when it is empty. */
  get oldest(): bigint | undefined {
    let oldest: bigint | undefined
    for (const { first } of this.streams.values()) if (oldest === undefined || first < oldest) oldest = first
    return oldest
  }

  /** Counts lines of a stream that were just committed; `id` is the stream's number in the segment, `ahead`: with a clock that ran ahead. */
  add(entry: Entry, id: number, lines: Counts, received: bigint, ahead: boolean): void {
    let held = this.streams.get(entry)
    if (held === undefined) {
      held = { id, records: 0, first: 0n, last: 0n, received, ahead: undefined }
      this.streams.set(entry, held)
    }
    count(held, lines)
    held.received = received
    this.records += lines.records
    this.received = received
    if (ahead) held.ahead ??= received
  }

  /** Keeps the file until `unpin`, also when it expires meanwhile. */
  pin(): void {
    this.#readers++
  }

  unpin(): void {
    this.#readers--
    if (this.#readers === 0) this.#onQuiet?.()
  }

  /** Resolves when no search reads it any more, at the latest after `maxMs`. */
  async quiet(maxMs: number): Promise<void> {
    if (this.#readers === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, maxMs)
      timer.unref()
      this.#onQuiet = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Reads what it holds of which stream: as it was sealed, or by counting when lines came after that. */
  async load(connection: DuckDBConnection, streams: Streams): Promise<void> {
    const { database } = this
    this.streams.clear()
    this.records = 0
    this.received = 0n
    const held = await this.#held(connection)
    const labels = await connection.run(`SELECT id, encode(labels) FROM ${database}.streams ORDER BY id`)
    for (const chunk of await labels.fetchAllChunks()) {
      const id = numberColumn(chunk, 0)
      const text = textColumn(chunk, 1)
      for (let row = 0; row < chunk.rowCount; row++) {
        const counted = held.get(id(row))
        if (counted === undefined) continue
        this.streams.set(streams.ofLabels(text(row)), counted)
        this.records += counted.records
        if (counted.received > this.received) this.received = counted.received
      }
    }
  }

  async #held(connection: DuckDBConnection): Promise<Map<number, Held>> {
    const lines = await connection.run(
      `SELECT (SELECT count(*) FROM ${this.database}.lines), (SELECT coalesce(sum(records), 0)::BIGINT FROM ${this.database}.sealed), ` +
        `(SELECT count(*) FROM ${this.database}.rests)`,
    )
    const [total, sealed, rests] = (await lines.getRows())[0] ?? []
    this.hasLong = rests !== 0n
    this.isDirty = total !== sealed
    const source = this.isDirty
      ? `SELECT stream, count(*), min(time), max(time), max(received), min(received) FILTER ((flags & ${AHEAD}) <> 0) ` +
        `FROM ${this.database}.lines GROUP BY stream`
      : `SELECT stream, records, first, last, received, ahead FROM ${this.database}.sealed`
    const held = new Map<number, Held>()
    for (const chunk of await (await connection.run(source)).fetchAllChunks()) {
      const id = numberColumn(chunk, 0)
      const [records, first, last, received, ahead] = [1, 2, 3, 4, 5].map((column) => bigintColumn(chunk, column))
      if (!records || !first || !last || !received || !ahead) throw new Error('BUG: six columns were asked for')
      for (let row = 0; row < chunk.rowCount; row++) {
        held.set(id(row), {
          id: id(row),
          records: Number(records(row)),
          first: first(row),
          last: last(row),
          received: received(row),
          ahead: ahead(row) ?? undefined,
        })
      }
    }
    return held
  }
}

/** Segments of one partition follow each other by their number. */
export function partitionOf(day: string, isOdd: boolean): string {
  return isOdd ? `${day}.odd` : day
}

/** UTC day of a time, 2026-11-21. */
export function dayOf(time: bigint): string {
  return new Date(Number(time / 1_000_000n)).toISOString().slice(0, 10)
}

const NAME = /^(\d{4}-\d\d-\d\d)(\.odd)?\.(\d{1,6})$/

/** Whether the name (without `.duckdb`) is one of a segment. */
export function isSegmentName(name: string): boolean {
  return NAME.test(name)
}

function parseSegmentName(name: string): { day: string; isOdd: boolean; number: number } {
  const [, day = '', odd, number = '0'] = NAME.exec(name) ?? []
  return { day, isOdd: odd !== undefined, number: Number(number) }
}

/** Oldest first: by day, then by number. */
export function compareSegments(a: Segment, b: Segment): number {
  if (a.day !== b.day) return a.day < b.day ? -1 : 1
  return a.isOdd === b.isOdd ? a.number - b.number : a.isOdd ? 1 : -1
}
