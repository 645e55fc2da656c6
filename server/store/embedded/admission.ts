import { setImmediate as nextTurn } from 'node:timers/promises'
import { FOREIGN_ORDINALS } from '../store.ts'
import { Known } from './known.ts'
import { headOf } from './long.ts'
import { type Lookup, type Place, placeKey, rangeOf, type StoredLine } from './lookup.ts'
import type { Row } from './rows.ts'
import { FOREIGN, HEAD_MISSING, sourceCode } from './schema.ts'
import { partitionOf } from './segment.ts'
import type { Segments } from './segments.ts'
import { groupOf, type Streams } from './streams.ts'

/** Rows that are looked at before other work has its turn. */
const TURN = 4096
/** Containers of which the last times are kept in mind; beyond, all are forgotten and read from the catalog when they log again. */
const MAX_KNOWN = 50_000

/** A place that was looked up, with what is stored there and what this commit adds. */
interface Site extends Place {
  /** Own lines are told apart by their ordinals, unless a line is there whose ordinal is a guess. */
  byContent: boolean
  readonly ordinals: Set<number>
  readonly messages: Map<string, number>
  next: number
}

/** Decides which rows are new, and gives their ordinals to those that bring none of their own. */
export class Admission {
  readonly #lookup: Lookup
  readonly #segments: Segments
  readonly #streams: Streams
  readonly #known = new Map<string, Known>()

  constructor(lookup: Lookup, segments: Segments, streams: Streams) {
    this.#lookup = lookup
    this.#segments = segments
    this.#streams = streams
  }

  /** Forgets what it keeps in mind: after a commit that failed, and when stored lines have gone. */
  forget(): void {
    this.#known.clear()
  }

  /** The rows that are not stored yet, in the order given, with their final ordinals. */
  async admit(rows: readonly Row[]): Promise<Row[]> {
    if (this.#known.size > MAX_KNOWN) this.forget()
    const candidates = await this.#withoutStoredChunks(rows)
    const fresh = new Set<Row>()
    for (const [index, row] of candidates.entries()) {
      if (index % TURN === TURN - 1) await nextTurn()
      if (this.#isSurelyNew(row)) fresh.add(row)
    }
    if (fresh.size === candidates.length) return candidates
    const sites = await this.#sites(candidates.filter((row) => !fresh.has(row)))
    const admitted: Row[] = []
    for (const [index, row] of candidates.entries()) {
      if (index % TURN === TURN - 1) await nextTurn()
      if (this.#admitRow(row, sites.get(placeKey(row, isForeign(row))), fresh.has(row))) admitted.push(row)
    }
    return admitted
  }

  /** Leaves out the rows of chunks that are stored; a part of a chunk is stored up to an index. */
  async #withoutStoredChunks(rows: readonly Row[]): Promise<Row[]> {
    const chunks = new Map<string, { day: string; isOdd: boolean; ids: Set<string> }>()
    for (const { record, day, isOdd } of rows) {
      if (record.chunk === '') continue
      const partition = isOdd ? 'odd' : partitionOf(day, false)
      const wanted = chunks.get(partition)
      if (wanted === undefined) chunks.set(partition, { day, isOdd, ids: new Set([record.chunk]) })
      else wanted.ids.add(record.chunk)
    }
    if (chunks.size === 0) return [...rows]
    const stored = new Map<string, number>()
    for (const [partition, { day, isOdd, ids }] of chunks) {
      // A chunk that is sent again after midnight must meet the odd lines of yesterday.
      const segments = isOdd
        ? this.#segments.all.filter((segment) => segment.isOdd)
        : this.#segments.ofPartition(partitionOf(day, false))
      for (const [id, last] of await this.#lookup.chunks(segments, [...ids])) stored.set(`${partition}\0${id}`, last)
    }
    return rows.filter(({ record, day, isOdd }) => {
      if (record.chunk === '') return true
      const key = `${isOdd ? 'odd' : day}\0${record.chunk}`
      const isNew = record.ordinal > (stored.get(key) ?? -1)
      if (isNew) stored.set(key, record.ordinal)
      return isNew
    })
  }

  /** Whether what is kept in mind suffices to know that the row is new; a foreign one then has its ordinal. */
  #isSurelyNew(row: Row): boolean {
    const known = this.#knownOf(row)
    const foreign = isForeign(row)
    // A guessed ordinal tells nothing: such rows are always held against what is stored.
    const isHeadMissing = !foreign && (row.flags & HEAD_MISSING) !== 0
    if (!known.covers(row.time)) {
      known.add(row.time)
      if (isHeadMissing) return false
      if (foreign) row.ordinal = FOREIGN_ORDINALS
      known.startTip(row.time, row.ordinal + 1)
      return true
    }
    if (!foreign) return !isHeadMissing && known.takeOrdinal(row.time, row.ordinal)
    const ordinal = known.nextOrdinal(row.time)
    if (ordinal === undefined) return false
    row.ordinal = ordinal
    return true
  }

  #knownOf(row: Row): Known {
    const foreign = isForeign(row)
    const group = groupOf(row.record.stream, foreign)
    const key = `${group}\0${sourceCode(row.record.source)}`
    const known = this.#known.get(key) ?? new Known(rangeOf(this.#streams.group(group)))
    this.#known.set(key, known)
    return known
  }

  /** Reads what is stored at the places of rows that may be there already. */
  async #sites(rows: readonly Row[]): Promise<Map<string, Site>> {
    const sites = new Map<string, Site>()
    for (const row of rows) {
      const foreign = isForeign(row)
      const key = placeKey(row, foreign)
      const site = sites.get(key) ?? newSite(sites.size, row, foreign)
      if (!foreign && (row.flags & HEAD_MISSING) !== 0) site.byContent = true
      sites.set(key, site)
    }
    const places = [...sites.values()]
    const stored = await this.#lookup.lines(places)
    for (const site of places) for (const line of stored.get(site.index) ?? []) addStored(site, line)
    const withContent = places.filter((site) => site.byContent && !site.isForeign)
    const messages = await this.#lookup.messages(withContent)
    for (const site of withContent) {
      for (const { message } of messages.get(site.index) ?? []) addMessage(site, message)
    }
    return sites
  }

  /** Whether the row is new; what is new is noted at its site. */
  #admitRow(row: Row, site: Site | undefined, isFresh: boolean): boolean {
    if (site === undefined) return true
    const times = site.byContent ? this.#seen(row) : 0
    if (!isFresh) {
      if (site.isForeign) row.ordinal = site.next
      else if (isStored(row, site, times)) return false
      else this.#fitOrdinal(row, site)
    }
    site.ordinals.add(row.ordinal)
    site.next = Math.max(site.next, row.ordinal + 1)
    if (site.byContent) addMessage(site, headOf(row.record.message))
    return true
  }

  /** How often the read that the row is of has had its message at this time so far; a read may go over several appends. */
  #seen(row: Row): number {
    const known = this.#knownOf(row)
    const { ordinal } = row.record
    const message = headOf(row.record.message)
    const head =
      known.head?.time === row.time && ordinal >= known.head.next
        ? known.head
        : { time: row.time, next: 0, seen: new Map() }
    head.next = ordinal + 1
    const times = (head.seen.get(message) ?? 0) + 1
    head.seen.set(message, times)
    known.head = head
    return times
  }

  #fitOrdinal(row: Row, site: Site): void {
    if (site.ordinals.has(row.ordinal)) row.ordinal = site.next
    if (site.byContent) this.#knownOf(row).endTip(row.time)
  }
}

function isForeign(row: Row): boolean {
  return (row.flags & FOREIGN) !== 0
}

/**
 * In a group whose ordinals are guesses a line is stored when its message is there as often as this read had it. Of long messages only the
 * first pieces are held against each other.
 */
function isStored(row: Row, site: Site, times: number): boolean {
  return site.byContent ? times <= (site.messages.get(headOf(row.record.message)) ?? 0) : site.ordinals.has(row.ordinal)
}

function newSite(index: number, row: Row, foreign: boolean): Site {
  return {
    index,
    group: groupOf(row.record.stream, foreign),
    isForeign: foreign,
    source: sourceCode(row.record.source),
    time: row.time,
    byContent: false,
    ordinals: new Set(),
    messages: new Map(),
    next: foreign ? FOREIGN_ORDINALS : 0,
  }
}

function addStored(site: Site, { ordinal, flags }: StoredLine): void {
  site.ordinals.add(ordinal)
  site.next = Math.max(site.next, ordinal + 1)
  if ((flags & HEAD_MISSING) !== 0) site.byContent = true
}

function addMessage(site: Site, message: string): void {
  site.messages.set(message, (site.messages.get(message) ?? 0) + 1)
}
