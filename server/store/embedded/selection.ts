import { BIGINT, DOUBLE, type DuckDBConnection, INTEGER, UTINYINT } from '@duckdb/node-api'
import type { LogStream, Position } from '../../../shared/record.ts'
import { streamMatches } from '../../query/filter.ts'
import type { Filter } from '../../query/query.ts'
import { taskKey } from '../labels.ts'
import { appendRows } from './columns.ts'
import type { Rows } from './grams/candidates.ts'
import { sourceCode } from './schema.ts'
import type { Segment } from './segment.ts'
import type { Entry, Streams } from './streams.ts'

/** Parts of up to so many chosen streams have them in the text of a query: that saves the making of a table. */
export const MAX_INLINE = 64

/** A chosen stream. */
export interface Chosen {
  readonly stream: LogStream
  readonly index: number
  /** Its place in the order of (node id, container id) among the chosen ones; equal for equal ids. */
  readonly rank: number
  /** Number of its task among those chosen; what is no task goes by its container, or by the tag of its sender. */
  readonly task: number
}

/** What a segment has for a search. */
export interface Part {
  readonly segment: Segment
  /** Number of the part in the search's table of streams. */
  readonly index: number
  /** Times of its first and last line of a chosen stream. */
  readonly first: bigint
  readonly last: bigint
  /** Oldest `received` among the lines whose clock ran ahead; undefined when there are none. */
  readonly ahead: bigint | undefined
  /** How many lines of chosen streams it has, and how many in all. */
  readonly chosen: number
  readonly total: number
  /** Bytes of text in the lines of chosen streams. */
  readonly text: number
  readonly streams: readonly { readonly id: number; readonly chosen: Chosen }[]
  /** All of its lines of the times asked about are of chosen streams, and nobody asks which: they need not be looked up. */
  readonly isWhole?: boolean
  /** Only these rows can have what is looked for; absent means all. */
  readonly rows?: readonly Rows[]
}

/** Where a line stands in the order of a selection: as `Position`, in integers. */
export interface Place {
  readonly time: bigint
  readonly rank: number
  readonly source: number
  readonly ordinal: number
}

/** Whose lines stand together within a moment. */
type Owner = Pick<LogStream, 'nodeId' | 'containerId'>

/** The streams that a filter takes, ranked, and the segments that hold them. */
export class Selection {
  readonly chosen: readonly Chosen[]
  readonly parts: readonly Part[]
  readonly #owners: readonly Owner[]
  readonly #byEntry: ReadonlyMap<Entry, Chosen>

  private constructor(byEntry: ReadonlyMap<Entry, Chosen>, owners: readonly Owner[], parts: readonly Part[]) {
    this.chosen = [...byEntry.values()]
    this.#byEntry = byEntry
    this.#owners = owners
    this.parts = parts
  }

  /** Takes of the segments those with lines in the time range [since, until). */
  static of(
    filter: Filter,
    streams: Streams,
    segments: readonly Segment[],
    range: { readonly since: bigint; readonly until: bigint },
  ): Selection {
    const entries: Entry[] = []
    for (const entry of streams.entries()) {
      const isInRange = entry.records > 0 && entry.last >= range.since && entry.first < range.until
      if (isInRange && streamMatches(filter, entry.stream)) entries.push(entry)
    }
    entries.sort((a, b) => compareOwners(a.stream, b.stream))
    const owners: Owner[] = []
    const byEntry = new Map<Entry, Chosen>()
    const tasks = new Map<string, number>()
    for (const [index, entry] of entries.entries()) {
      const last = owners.at(-1)
      if (last === undefined || compareOwners(last, entry.stream) !== 0) owners.push(entry.stream)
      const key = taskKey(entry.stream)
      const task = tasks.get(key) ?? tasks.size
      tasks.set(key, task)
      byEntry.set(entry, { stream: entry.stream, index, rank: owners.length - 1, task })
    }
    const parts: Part[] = []
    for (const segment of segments) {
      const part = partOf(segment, parts.length, byEntry)
      if (part !== undefined && part.last >= range.since && part.first < range.until) parts.push(part)
    }
    return new Selection(byEntry, owners, parts)
  }

  /** The parts of each task alone, by its number. */
  partsByTask(): Map<number, readonly Part[]> {
    const members = new Map<number, Map<Entry, Chosen>>()
    for (const [entry, chosen] of this.#byEntry) {
      const task = members.get(chosen.task) ?? new Map<Entry, Chosen>()
      members.set(chosen.task, task.set(entry, chosen))
    }
    const parts = new Map<number, readonly Part[]>()
    for (const [task, entries] of members) {
      parts.set(
        task,
        this.parts.flatMap((part) => partOf(part.segment, part.index, entries) ?? []),
      )
    }
    return parts
  }

  /** The place to go on behind; a container that is not chosen stands between those that are. */
  placeOf(position: Position, order: 'asc' | 'desc'): Place {
    const found = this.#owners.findIndex((owner) => compareOwners(owner, position) >= 0)
    const rank = found < 0 ? this.#owners.length : found
    const owner = this.#owners[rank]
    const { time, ordinal } = position
    if (owner !== undefined && compareOwners(owner, position) === 0)
      return { time, rank, source: sourceCode(position.source), ordinal }
    return order === 'asc' ? { time, rank: rank - 1, source: 2, ordinal: 0 } : { time, rank, source: -1, ordinal: 0 }
  }

  /**
   * Writes the table `chosen` that queries join with over parts of many streams (see sql.ts); the cuts (see newest.ts) are by number of
   * the task. Nothing to do where all parts are small.
   */
  async write(connection: DuckDBConnection, cuts: ReadonlyMap<number, Place> = new Map()): Promise<void> {
    const large = this.parts.filter((part) => part.streams.length > MAX_INLINE)
    if (large.length === 0) return
    await connection.run(
      'CREATE OR REPLACE TEMP TABLE chosen(part INTEGER, stream INTEGER, idx INTEGER, rank INTEGER, task INTEGER, ' +
        'cut_time BIGINT, cut_rank INTEGER, cut_source UTINYINT, cut_ordinal DOUBLE)',
    )
    const types = [INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, BIGINT, INTEGER, UTINYINT, DOUBLE]
    const rows = large.flatMap(({ index, streams }) =>
      streams.map(({ id, chosen }) => ({ part: index, id, chosen, cut: cuts.get(chosen.task) })),
    )
    await appendRows(connection, { database: 'temp', name: 'chosen', types }, rows, [
      (row) => row.part,
      (row) => row.id,
      (row) => row.chosen.index,
      (row) => row.chosen.rank,
      (row) => row.chosen.task,
      (row) => row.cut?.time ?? null,
      (row) => row.cut?.rank ?? null,
      (row) => row.cut?.source ?? null,
      (row) => row.cut?.ordinal ?? null,
    ])
  }
}

function partOf(segment: Segment, index: number, chosen: ReadonlyMap<Entry, Chosen>): Part | undefined {
  const streams: { id: number; chosen: Chosen }[] = []
  let first: bigint | undefined
  let last: bigint | undefined
  let ahead: bigint | undefined
  let lines = 0
  let text = 0
  const { records, streams: held } = segment
  // Whichever is shorter is walked through.
  const entries = chosen.size < held.size ? chosen.keys() : held.keys()
  for (const entry of entries) {
    const stream = chosen.get(entry)
    const counts = held.get(entry)
    if (stream === undefined || counts === undefined) continue
    streams.push({ id: counts.id, chosen: stream })
    lines += counts.records
    text += counts.text
    if (first === undefined || counts.first < first) first = counts.first
    if (last === undefined || counts.last > last) last = counts.last
    if (counts.ahead !== undefined && (ahead === undefined || counts.ahead < ahead)) ahead = counts.ahead
  }
  if (first === undefined || last === undefined) return undefined
  return { segment, index, first, last, ahead, chosen: lines, total: records, text, streams }
}

function compareOwners(a: Owner, b: Owner): number {
  if (a.nodeId !== b.nodeId) return a.nodeId < b.nodeId ? -1 : 1
  return a.containerId === b.containerId ? 0 : a.containerId < b.containerId ? -1 : 1
}
