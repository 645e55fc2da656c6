import type { DuckDBConnection } from '@duckdb/node-api'
import { labelsOf } from '../labels.ts'
import type { ArchivedLines } from './archive/lines.ts'
import { numberColumn, textColumn } from './columns.ts'
import { GRAMS } from './folder.ts'
import { GramFile } from './grams/file.ts'
import { type Held, readHeld } from './held.ts'
import { quoteName } from './schema.ts'
import { type Counts, count, type Entry, type Streams } from './streams.ts'

const NS_PER_DAY = 86_400_000_000_000n

/** What a commit adds to a segment of one stream; `ahead`: some of the lines have a clock that ran ahead. */
export interface Added extends Counts {
  text: number
  ahead: boolean
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
  /** What tells which of its rows a text can be in. */
  readonly grams: GramFile
  /** Bytes of the file and its WAL, as of the last look. */
  bytes = 0
  /** Written to since it was last sealed. */
  isDirty = false
  /** It holds lines whose texts are in pieces. */
  hasLong = false
  /** It could only be attached for reading (the disk is full). */
  isReadOnly = false
  /** New lines go to another one: it is being archived. */
  isClosed = false
  /** Where its lines are when it is an archived day; it has no database then. */
  readonly archived: ArchivedLines | undefined
  /** Why it is no longer among the segments; `replaced`: by one with fewer streams, or by an archived day. */
  gone: '' | 'expired' | 'damaged' | 'replaced' = ''
  lastWriteMs = 0
  /** Who has still to read the file, which nothing may write to until it is let go. */
  holder: { letGo(): Promise<boolean> } | undefined
  /** Lines in it, and the newest `received` among them. */
  records = 0
  received = 0n
  #readers = 0
  #onQuiet: (() => void) | undefined

  /** @param grams where its signatures are, when not beside it. */
  constructor(folder: string, name: string, { archived, grams }: { archived?: ArchivedLines; grams?: string } = {}) {
    const { day, isOdd, number } = parseSegmentName(name)
    this.name = name
    this.path = `${folder}/${name}.duckdb`
    this.archived = archived
    this.grams = new GramFile(archived?.wordsPath ?? grams ?? `${this.path}${GRAMS}`)
    this.day = day
    this.isOdd = isOdd
    this.number = number
  }

  /** An archived day; its number is that of the last one it takes the place of. */
  static ofArchive(archived: ArchivedLines, streams: Streams): Segment {
    const { manifest } = archived.folder
    const numbers = manifest.replaces.filter(isSegmentName).map((name) => parseSegmentName(name).number)
    const segment = new Segment('', `${manifest.day}.${Math.max(0, ...numbers)}`, { archived })
    segment.isReadOnly = true
    segment.bytes = archived.bytes
    for (const held of archived.held()) {
      const stream = manifest.streams[held.id]
      if (stream !== undefined) segment.#hold(streams.ofLabels(labelsOf(stream)), held)
    }
    return segment
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
    return this.newestOf(this.streams.keys())
  }

  /** The same of the lines of some of its streams. */
  newestOf(entries: Iterable<Entry>): bigint {
    const end = BigInt(Date.parse(this.day)) * 1_000_000n + NS_PER_DAY - 1n
    if (this.isOdd) return end
    let newest = 0n
    for (const entry of entries) {
      const last = this.streams.get(entry)?.last ?? 0n
      if (last > newest) newest = last
    }
    return newest < end ? newest : end
  }

  /** Time of its oldest line; undefined when it is empty. */
  get oldest(): bigint | undefined {
    let oldest: bigint | undefined
    for (const { first } of this.streams.values()) if (oldest === undefined || first < oldest) oldest = first
    return oldest
  }

  /** Counts lines of a stream that were just committed; `id` is the stream's number in the segment. */
  add(entry: Entry, id: number, lines: Added, received: bigint): void {
    let held = this.streams.get(entry)
    if (held === undefined) {
      held = { id, records: 0, first: 0n, last: 0n, received, ahead: undefined, text: 0 }
      this.streams.set(entry, held)
    }
    count(held, lines)
    held.text += lines.text
    held.received = received
    this.records += lines.records
    this.received = received
    if (lines.ahead) held.ahead ??= received
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
    const { held, hasLong, isDirty } = await readHeld(connection, this.name)
    this.hasLong = hasLong
    this.isDirty = isDirty
    const labels = await connection.run(`SELECT id, encode(labels) FROM ${this.database}.streams ORDER BY id`)
    const chunks = await labels.fetchAllChunks()
    // All at once: a search that begins meanwhile must not find the segment empty.
    this.streams.clear()
    this.records = 0
    this.received = 0n
    for (const chunk of chunks) {
      const id = numberColumn(chunk, 0)
      const text = textColumn(chunk, 1)
      for (let row = 0; row < chunk.rowCount; row++) {
        const counted = held.get(id(row))
        if (counted !== undefined) this.#hold(streams.ofLabels(text(row)), counted)
      }
    }
  }

  #hold(entry: Entry, held: Held): void {
    this.streams.set(entry, held)
    this.records += held.records
    if (held.received > this.received) this.received = held.received
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
