import type { LogRecord } from '../../../shared/record.ts'
import type { ArchiveReader } from './archive-reader.ts'
import { isForeign, readSites, type Site, siteKey } from './sites.ts'

/** Reads that are remembered; far more than agents have under way at once. */
const MAX_READS = 10_000

/** How far the read of a group of equal times has come, and how often it had which message; it may go over several appends. */
interface Read {
  next: number
  readonly seen: Map<string, number>
}

/** Holds records against the archive. */
export class Known {
  readonly #archive: ArchiveReader
  readonly #reads = new Map<string, Read>()

  constructor(archive: ArchiveReader) {
    this.#archive = archive
  }

  /** Whether the archive may have it; if not, it is remembered when the next ones of its read may be held against the archive. */
  isCandidate(record: LogRecord): boolean {
    const isCandidate = this.#archive.mayHold(record.time)
    if (!isCandidate && record.headMissing && !isForeign(record)) this.#times(record)
    return isCandidate
  }

  /** The records that the archive does not have, as the hot store must be given them: with no ordinal that the archive has. */
  async without(records: readonly LogRecord[], candidates: readonly LogRecord[]): Promise<LogRecord[]> {
    const own = candidates.filter((record) => !isForeign(record))
    const foreign = candidates.filter(({ chunk }) => chunk !== '')
    const known = foreign.length === 0 ? new Set() : await this.#archive.knownByChunk(foreign)
    const sites = await readSites(this.#archive, own)
    const isOwn = new Set(own)
    return records.flatMap((record) => {
      const site = isOwn.has(record) ? sites.get(siteKey(record)) : undefined
      if (site !== undefined) return this.#admit(record, site)
      return known.has(record) ? [] : [record]
    })
  }

  #admit(record: LogRecord, site: Site): LogRecord[] {
    const { ordinal, headMissing, message } = record
    if (!headMissing && !site.isGuess) return site.ordinals.has(ordinal) ? [] : [record]
    if (this.#times(record) <= (site.messages.get(message.toWellFormed()) ?? 0)) return []
    // Behind all that are archived, in the order in which they were read: what is stored of such groups is told by its text.
    return [site.next === 0 ? record : { ...record, ordinal: site.next + ordinal, headMissing: true }]
  }

  /** How often its read had the message until now; a read may have begun when the archive had none of it. */
  #times(record: LogRecord): number {
    const key = siteKey(record)
    const message = record.message.toWellFormed()
    const known = this.#reads.get(key)
    const goesOn = known !== undefined && record.ordinal >= known.next
    const read = goesOn ? known : { next: 0, seen: new Map<string, number>() }
    read.next = record.ordinal + 1
    const times = (read.seen.get(message) ?? 0) + 1
    read.seen.set(message, times)
    this.#reads.delete(key)
    this.#reads.set(key, read)
    const [oldest = key] = this.#reads.keys()
    if (this.#reads.size > MAX_READS) this.#reads.delete(oldest)
    return times
  }
}
