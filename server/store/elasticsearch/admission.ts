import { FOREIGN_ORDINALS } from '../store.ts'
import type { Counts } from './counts.ts'
import { headOf, type Source, storedTime } from './documents.ts'
import { learnStreams } from './finding.ts'
import type { Freshness } from './freshness.ts'
import type { Guesses } from './guesses.ts'
import type { Indices } from './indices.ts'
import type { Notes } from './notes.ts'
import { type Hit, pages } from './pages.ts'
import type { Requests } from './requests.ts'
import { ownId, type Row } from './rows.ts'
import type { Streams } from './streams.ts'
import { timestampOf } from './times.ts'

/** Times that one search asks for, and lines of odd times that are looked up at once. */
const MAX_TIMES = 500
const MAX_LOOKUPS = 2_000
/** Reads that are remembered; far more than agents have under way at once. */
const MAX_READS = 10_000

/** What the admission needs of the store. */
export interface AdmissionParts {
  readonly requests: Requests
  readonly notes: Notes
  readonly streams: Streams
  readonly indices: Indices
  readonly freshness: Freshness
  readonly guesses: Guesses
  readonly counts: Counts
}

/** A group of equal times whose ordinals are guesses, with what is stored of it and what this commit adds. */
interface Site {
  readonly ordinals: Set<number>
  readonly messages: Map<string, number>
  next: number
}

/** How far the read of such a group has come, and how often it had which message; a read may go over several appends. */
interface Read {
  readonly time: bigint
  next: number
  readonly seen: Map<string, number>
}

/** Holds against what is stored the few lines whose `_id` does not tell whether they are. */
export class Admission {
  readonly #parts: AdmissionParts
  readonly #reads = new Map<string, Read>()

  constructor(parts: AdmissionParts) {
    this.#parts = parts
  }

  /** Learns which groups of equal times have guessed ordinals, those that the rows bring included; must come before all else. */
  async learn(rows: readonly Row[]): Promise<void> {
    const { guesses } = this.#parts
    await guesses.read(rows)
    await guesses
      .add(rows.filter(({ record, isForeign }) => record.headMissing && !isForeign))
      .catch((error: unknown) => {
        guesses.forget()
        throw error
      })
  }

  /** Whether the line is one of a group of equal times whose ordinals are guesses. */
  isGuess(row: Row): boolean {
    return !row.isForeign && this.#parts.guesses.has(row)
  }

  /** The rows that are not stored yet; guessed ordinals are final then. Nothing else may be written meanwhile. */
  async admit(rows: readonly Row[]): Promise<Row[]> {
    const sites = await this.#sites(rows.filter((row) => this.isGuess(row)))
    return rows.filter((row) => {
      const site = sites.get(siteKey(row))
      return site === undefined || !this.isGuess(row) || this.#admitRow(row, site)
    })
  }

  /** Leaves out the rows that are stored in another index: among those of odd times, by their arrival, or of their day before that was closed. */
  async withoutStoredElsewhere(rows: readonly Row[]): Promise<Row[]> {
    const { indices, counts } = this.#parts
    const { odd } = indices
    // A time that was too far ahead when it came is none any more when the line comes again.
    const isCandidate = (row: Row): boolean => row.isOdd || odd.some((index) => counts.mayHold(index, row))
    if (odd.length === 0 && rows.every(({ siblings }) => siblings.length === 0)) return [...rows]
    const wanted = rows.flatMap((row) => {
      const others = isCandidate(row) ? [...row.siblings, ...odd] : row.siblings
      return others
        .filter((index) => index !== row.index)
        .map((index) => ({ row, doc: { _index: index, _id: row.id } }))
    })
    const stored = new Set<Row>()
    for (let at = 0; at < wanted.length; at += MAX_LOOKUPS) {
      const part = wanted.slice(at, at + MAX_LOOKUPS)
      const { docs } = await this.#parts.requests.send<{ docs: readonly { found?: boolean }[] }>('POST', '/_mget', {
        body: { docs: part.map(({ doc }) => doc) },
        query: { _source: false },
      })
      for (const [index, { row }] of part.entries()) if (docs[index]?.found) stored.add(row)
    }
    return stored.size === 0 ? [...rows] : rows.filter((row) => !stored.has(row))
  }

  /** Reads what is stored at the places of the rows. */
  async #sites(rows: readonly Row[]): Promise<Map<string, Site>> {
    const sites = new Map<string, Site>()
    for (const row of rows) sites.set(siteKey(row), { ordinals: new Set(), messages: new Map(), next: 0 })
    const { indices, freshness } = this.#parts
    const own = rows.flatMap(({ index, siblings }) => [index, ...siblings])
    const names = [...new Set([...own, ...indices.odd])].filter((index) => indices.has(index))
    if (names.length === 0) return sites
    await freshness.see(names)
    const times = [...new Set(rows.map(({ time }) => timestampOf(time)))]
    for (let at = 0; at < times.length; at += MAX_TIMES) {
      for await (const hits of this.#stored(names, times.slice(at, at + MAX_TIMES))) this.#note(hits, sites)
    }
    return sites
  }

  #stored(indices: readonly string[], times: readonly string[]): AsyncGenerator<readonly Hit<Source>[]> {
    const should = times.map((time) => ({ range: { '@timestamp': { gte: time, lte: time } } }))
    const own = { range: { 'swarmlogs.ordinal': { lt: FOREIGN_ORDINALS } } }
    const walk = {
      indices,
      query: { bool: { filter: [own, { bool: { should } }] } },
      sort: [
        { '@timestamp': 'asc' },
        { 'swarmlogs.owner': 'asc' },
        { 'log.iostream': 'asc' },
        { 'swarmlogs.ordinal': 'asc' },
      ],
      members: [
        '@timestamp',
        'message',
        'log.iostream',
        'swarmlogs.stream',
        'swarmlogs.ordinal',
        'swarmlogs.before_1970',
      ],
      wanted: Number.POSITIVE_INFINITY,
      signal: new AbortController().signal,
    }
    const { requests, streams } = this.#parts
    return pages<Source>(
      requests,
      walk,
      (hits) => learnStreams(this.#parts, hits),
      ({ _source }) => [
        _source['@timestamp'],
        streams.ofId(_source['swarmlogs.stream'])?.owner ?? '',
        _source['log.iostream'],
        _source['swarmlogs.ordinal'],
      ],
    )
  }

  #note(hits: readonly Hit<Source>[], sites: ReadonlyMap<string, Site>): void {
    for (const { _source } of hits) {
      const container = this.#parts.streams.ofId(_source['swarmlogs.stream'])?.stream.containerId ?? ''
      const site = sites.get(`${container}\0${_source['log.iostream']}\0${storedTime(_source)}`)
      if (site !== undefined) addLine(site, _source['swarmlogs.ordinal'], _source.message)
    }
  }

  /** Whether the row is new: its message is not there as often as its read had it. */
  #admitRow(row: Row, site: Site): boolean {
    const message = headOf(row.record.message.toWellFormed())
    if (this.#seen(row, message) <= (site.messages.get(message) ?? 0)) return false
    if (site.ordinals.has(row.ordinal)) {
      row.ordinal = site.next
      row.id = ownId(row.entry, row.record.source, row.time, row.ordinal)
    }
    addLine(site, row.ordinal, message)
    return true
  }

  #seen({ record, time }: Row, message: string): number {
    if (this.#reads.size > MAX_READS) this.#reads.clear()
    const key = `${record.stream.containerId}\0${record.source}`
    const known = this.#reads.get(key)
    const goesOn = known?.time === time && record.ordinal >= known.next
    const read: Read = goesOn && known !== undefined ? known : { time, next: 0, seen: new Map() }
    read.next = record.ordinal + 1
    const times = (read.seen.get(message) ?? 0) + 1
    read.seen.set(message, times)
    this.#reads.set(key, read)
    return times
  }
}

function siteKey({ record, time }: Row): string {
  return `${record.stream.containerId}\0${record.source}\0${time}`
}

function addLine(site: Site, ordinal: number, message: string): void {
  site.ordinals.add(ordinal)
  site.next = Math.max(site.next, ordinal + 1)
  site.messages.set(message, (site.messages.get(message) ?? 0) + 1)
}
