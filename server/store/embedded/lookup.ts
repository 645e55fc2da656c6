import { BIGINT, type DuckDBConnection, type DuckDBDataChunk, INTEGER, UTINYINT, VARCHAR } from '@duckdb/node-api'
import { Lease } from '../../archive/lease.ts'
import { appendRows, numberColumn, textColumn } from './columns.ts'
import { failureOf } from './failure.ts'
import type { Row } from './rows.ts'
import { FOREIGN, sourceCode } from './schema.ts'
import type { Segment } from './segment.ts'
import type { Segments } from './segments.ts'
import { type Entry, groupOf, type Streams } from './streams.ts'

/** Times further apart than this are looked up apart, so that what lies between is not read. */
const CLUSTER_GAP = 60_000_000_000n
const MAX_CLUSTERS = 32

/** A stored line, as far as a row must be held against it. */
export interface StoredLine {
  readonly ordinal: number
  readonly flags: number
  /** Read only by `messages`. */
  readonly message: string
}

/** A (group, source, time) of which something may be stored. */
export interface Place {
  readonly index: number
  readonly group: string
  readonly isForeign: boolean
  readonly source: number
  readonly time: bigint
}

/** Reads what is stored at given places: with a join, so that it yields no more than was asked for. */
export class Lookup {
  readonly #connection: DuckDBConnection
  readonly #segments: Segments
  readonly #streams: Streams

  constructor(connection: DuckDBConnection, segments: Segments, streams: Streams) {
    this.#connection = connection
    this.#segments = segments
    this.#streams = streams
  }

  /** The stored lines at the places, by index of the place; of foreign places only one with the greatest ordinal. */
  async lines(places: readonly Place[]): Promise<Map<number, StoredLine[]>> {
    const own = places.filter((place) => !place.isForeign)
    const found = await this.#find(own, 'w.place, l.ordinal, l.flags', `(l.flags & ${FOREIGN}) = 0`)
    const foreign = places.filter((place) => place.isForeign)
    const greatest = `w.place, max(l.ordinal), ${FOREIGN}`
    const tops = await this.#find(foreign, greatest, `(l.flags & ${FOREIGN}) <> 0 GROUP BY w.place`)
    for (const [index, lines] of tops) found.set(index, lines)
    return found
  }

  /** The stored own lines at the places, with their messages. */
  async messages(places: readonly Place[]): Promise<Map<number, StoredLine[]>> {
    return this.#find(places, 'w.place, l.ordinal, l.flags, encode(l.message)', `(l.flags & ${FOREIGN}) = 0`)
  }

  /** The greatest stored index of each chunk, over the segments of one partition. */
  async chunks(segments: readonly Segment[], ids: readonly string[]): Promise<Map<string, number>> {
    const last = new Map<string, number>()
    if (segments.length === 0) return last
    await this.#connection.run('CREATE OR REPLACE TEMP TABLE ids(id VARCHAR)')
    await appendRows(this.#connection, { database: 'temp', name: 'ids', types: [VARCHAR] }, ids, [(id) => id])
    for (const segment of segments) {
      const { archived } = segment
      const known = archived === undefined ? `${segment.database}.chunks` : await archived.chunksSql()
      if (known === undefined) continue
      const sql = `SELECT encode(id), max(last) FROM ${known} JOIN ids USING (id) GROUP BY id`
      for (const chunk of await this.#rows(segment, sql)) {
        const id = textColumn(chunk, 0)
        const index = numberColumn(chunk, 1)
        for (let row = 0; row < chunk.rowCount; row++) {
          last.set(id(row), Math.max(last.get(id(row)) ?? 0, index(row)))
        }
      }
    }
    return last
  }

  async #find(places: readonly Place[], columns: string, where: string): Promise<Map<number, StoredLine[]>> {
    const found = new Map<number, StoredLine[]>()
    if (places.length === 0) return found
    const segments = await this.#prepare(places)
    const lease = new Lease()
    try {
      for (const { segment, index } of segments) {
        for (const { first, last } of clusters(places.map(({ time }) => time))) {
          if (!overlaps(segment, first, last)) continue
          await segment.archived?.ready(lease, first, last)
          const lines = segment.archived?.sql(first, last) ?? `${segment.database}.lines`
          const sql =
            `SELECT ${columns} FROM ${lines} l ` +
            `JOIN members m ON m.segment = ${index} AND m.stream = l.stream ` +
            'JOIN wanted w ON w.grp = m.grp AND w.source = l.source AND w.time = l.time ' +
            `WHERE l.time BETWEEN ${first} AND ${last} AND ${where}`
          collect(await this.#rows(segment, sql), found)
        }
      }
    } finally {
      lease.release()
    }
    return found
  }

  /** Throws when the segment cannot be read; it is set aside by then, so that the next try does without. */
  async #rows(segment: Segment, sql: string): Promise<DuckDBDataChunk[]> {
    try {
      return await (await this.#connection.run(sql)).fetchAllChunks()
    } catch (error) {
      if (failureOf(error) === 'damaged') {
        if (segment.archived === undefined) await this.#segments.setAside(segment, error)
        else await segment.archived.findDamage()
      }
      throw error
    }
  }

  /** Fills the tables that the query joins with; returns the segments that hold any of the groups. */
  async #prepare(places: readonly Place[]): Promise<{ segment: Segment; index: number }[]> {
    const groups = new Map<string, number>()
    for (const { group } of places) if (!groups.has(group)) groups.set(group, groups.size)
    const members: { segment: number; stream: number; group: number }[] = []
    const holding: { segment: Segment; index: number }[] = []
    for (const [index, segment] of this.#segments.all.entries()) {
      const before = members.length
      for (const [name, group] of groups) {
        for (const entry of this.#streams.group(name)) {
          const held = segment.streams.get(entry)
          if (held !== undefined) members.push({ segment: index, stream: held.id, group })
        }
      }
      if (members.length > before) holding.push({ segment, index })
    }
    await this.#connection.run('CREATE OR REPLACE TEMP TABLE members(segment INTEGER, stream INTEGER, grp INTEGER)')
    const memberTable = { database: 'temp', name: 'members', types: [INTEGER, INTEGER, INTEGER] }
    await appendRows(this.#connection, memberTable, members, [(m) => m.segment, (m) => m.stream, (m) => m.group])
    await this.#connection.run(
      'CREATE OR REPLACE TEMP TABLE wanted(place INTEGER, grp INTEGER, source UTINYINT, time BIGINT)',
    )
    const wantedTable = { database: 'temp', name: 'wanted', types: [INTEGER, INTEGER, UTINYINT, BIGINT] }
    await appendRows(this.#connection, wantedTable, places, [
      (place) => place.index,
      (place) => groups.get(place.group) ?? -1,
      (place) => place.source,
      (place) => place.time,
    ])
    return holding
  }
}

function collect(chunks: readonly DuckDBDataChunk[], found: Map<number, StoredLine[]>): void {
  for (const chunk of chunks) {
    const place = numberColumn(chunk, 0)
    const ordinal = numberColumn(chunk, 1)
    const flags = numberColumn(chunk, 2)
    const message = chunk.columnCount > 3 ? textColumn(chunk, 3) : () => ''
    for (let row = 0; row < chunk.rowCount; row++) {
      const line = { ordinal: ordinal(row), flags: flags(row), message: message(row) }
      const lines = found.get(place(row))
      if (lines === undefined) found.set(place(row), [line])
      else lines.push(line)
    }
  }
}

/** The place of a row; equal text means the same place. */
export function placeKey(row: Row, isForeign: boolean): string {
  return `${groupOf(row.record.stream, isForeign)}\0${sourceCode(row.record.source)}\0${row.time}`
}

/** The range of times that the catalog has of a group; undefined when it has none. */
export function rangeOf(entries: readonly Entry[]): { first: bigint; last: bigint } | undefined {
  let range: { first: bigint; last: bigint } | undefined
  for (const { records, first, last } of entries) {
    if (records === 0) continue
    range = {
      first: range === undefined || first < range.first ? first : range.first,
      last: range === undefined || last > range.last ? last : range.last,
    }
  }
  return range
}

/** Whether any of its streams may have lines between these times. */
export function overlaps(segment: Segment, first: bigint, last: bigint): boolean {
  for (const held of segment.streams.values()) if (held.first <= last && held.last >= first) return true
  return false
}

/** Few ranges that have all the times, and leave out what is far from them. */
export function clusters(unsorted: readonly bigint[]): { first: bigint; last: bigint }[] {
  const times = [...unsorted].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  for (let gap = CLUSTER_GAP; ; gap *= 2n) {
    const result: { first: bigint; last: bigint }[] = []
    for (const time of times) {
      const current = result.at(-1)
      if (current !== undefined && time - current.last <= gap) current.last = time
      else result.push({ first: time, last: time })
    }
    if (result.length <= MAX_CLUSTERS) return result
  }
}
