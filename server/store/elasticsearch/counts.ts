import { greater, smaller } from '../bigint.ts'
import type { StreamDay, StreamSummary } from '../store.ts'
import type { Names } from './names.ts'
import type { Row } from './rows.ts'
import type { Streams } from './streams.ts'

/** How many lines of a stream an index has, and the times of the first and the last. */
export interface Count {
  records: number
  first: bigint
  last: bigint
}

/** The counts of one index by id of the stream. */
export type IndexCounts = Map<string, Count>

/** What each index holds of which stream: what this server wrote is added, what others wrote is read from time to time. */
export class Counts {
  readonly #byIndex = new Map<string, IndexCounts>()
  /** Lines counted while an index is being read; they come on top of what that finds. */
  readonly #during = new Map<string, IndexCounts>()
  readonly #writtenMs = new Map<string, number>()
  /** Indices whose counts changed since they were last noted in the cluster. */
  readonly changed = new Set<string>()

  get indices(): IterableIterator<string> {
    return this.#byIndex.keys()
  }

  of(index: string): IndexCounts | undefined {
    return this.#byIndex.get(index)
  }

  /** Lines in an index, in all of it. */
  records(index?: string): number {
    let records = 0
    for (const [name, counts] of this.#byIndex) {
      if (index === undefined || index === name) for (const count of counts.values()) records += count.records
    }
    return records
  }

  /** Whether the index has lines of the row's stream around its time. */
  mayHold(index: string, { entry, time }: Row): boolean {
    const count = this.#byIndex.get(index)?.get(entry.id)
    return count !== undefined && count.first <= time && count.last >= time
  }

  /** Counts rows that were just committed. */
  add(rows: readonly Row[]): void {
    for (const [index, counts] of countRows(rows)) {
      const during = this.#during.get(index)
      for (const [id, count] of counts) {
        addTo(this.#open(this.#byIndex, index), id, count)
        if (during !== undefined) addTo(during, id, count)
      }
      this.changed.add(index)
      this.#writtenMs.set(index, Date.now())
    }
  }

  /** When this server last wrote to the index; 0 when it did not. */
  writtenMs(index: string): number {
    return this.#writtenMs.get(index) ?? 0
  }

  /** From now on lines are counted twice, once for `replace`. */
  begin(index: string): void {
    this.#during.set(index, new Map())
  }

  /** Takes what was found in the index when `begin` was called. */
  replace(index: string, counts: IndexCounts): void {
    for (const [id, count] of this.#during.get(index) ?? []) addTo(counts, id, count)
    this.#during.delete(index)
    this.#byIndex.set(index, counts)
    this.changed.add(index)
  }

  forget(index: string): void {
    this.#byIndex.delete(index)
    this.#during.delete(index)
    this.changed.delete(index)
    this.#writtenMs.delete(index)
  }

  summaries(streams: Streams): StreamSummary[] {
    const totals: IndexCounts = new Map()
    for (const counts of this.#byIndex.values()) for (const [id, count] of counts) addTo(totals, id, count)
    const result: StreamSummary[] = []
    for (const [id, { records, first, last }] of totals) {
      const entry = streams.ofId(id)
      if (entry !== undefined && records > 0) result.push({ stream: entry.stream, records, first, last })
    }
    return result
  }

  /** The counts by the day of the index; '' for what is there by its arrival. */
  days(streams: Streams, names: Names): StreamDay[] {
    const result: StreamDay[] = []
    for (const [index, counts] of this.#byIndex) {
      const { kind, day = '' } = names.parse(index) ?? {}
      for (const [id, { records }] of counts) {
        const entry = streams.ofId(id)
        if (entry === undefined || records === 0) continue
        result.push({ stream: entry.stream, day: kind === 'odd' ? '' : day.replaceAll('.', '-'), records })
      }
    }
    return result
  }

  /** Ids of the streams that anything is held of. */
  held(): Set<string> {
    const ids = new Set<string>()
    for (const counts of this.#byIndex.values()) for (const id of counts.keys()) ids.add(id)
    return ids
  }

  /** Time of the oldest line; those whose time is out of all reason say nothing about where the store begins. */
  beginning(names: Names): bigint | undefined {
    let oldest: bigint | undefined
    for (const [index, counts] of this.#byIndex) {
      if (names.parse(index)?.kind === 'odd') continue
      for (const { first } of counts.values()) oldest = oldest === undefined ? first : smaller(oldest, first)
    }
    return oldest
  }

  #open(map: Map<string, IndexCounts>, index: string): IndexCounts {
    const known = map.get(index)
    if (known !== undefined) return known
    const counts: IndexCounts = new Map()
    map.set(index, counts)
    return counts
  }
}

function countRows(rows: readonly Row[]): Map<string, IndexCounts> {
  const found = new Map<string, IndexCounts>()
  for (const { index, entry, time } of rows) {
    let counts = found.get(index)
    if (counts === undefined) {
      counts = new Map()
      found.set(index, counts)
    }
    const count = counts.get(entry.id)
    if (count === undefined) {
      counts.set(entry.id, { records: 1, first: time, last: time })
      continue
    }
    count.records++
    if (time < count.first) count.first = time
    if (time > count.last) count.last = time
  }
  return found
}

function addTo(counts: IndexCounts, id: string, more: Readonly<Count>): void {
  const count = counts.get(id)
  if (count === undefined) {
    counts.set(id, { ...more })
    return
  }
  count.records += more.records
  count.first = smaller(count.first, more.first)
  count.last = greater(count.last, more.last)
}
