import type { LogRecord } from '../../../shared/record.ts'
import type { ArchiveReader } from './archive-reader.ts'
import { isForeign, readSites, type Site, siteKey } from './sites.ts'

/** Reads that are remembered; far more than senders have under way at once. */
const MAX_READS = 10_000

/** How far the read of a group of equal times has come, and how often it had which message; it may go over several appends. */
interface Read {
  next: number
  readonly seen: Map<string, number>
}

/**
 * Holds records against the archive. Own lines are known as in any store. Of foreign ones the archive does not keep the chunks: they are known by
 * their text, which is as often there as a chunk had it; without a chunk they are others each time they come.
 */
export class Known {
  readonly #archive: ArchiveReader
  readonly #reads = new Map<string, Read>()

  constructor(archive: ArchiveReader) {
    this.#archive = archive
  }

  /** Whether the archive may have it. */
  isCandidate({ time }: LogRecord): boolean {
    return this.#archive.mayHold(time)
  }

  /** The records that the archive does not have, as the hot store must be given them: with no ordinal that the archive has. */
  async without(records: readonly LogRecord[]): Promise<LogRecord[]> {
    const candidates = records.filter((record) => this.isCandidate(record))
    const sites = await readSites(this.#archive, candidates)
    return records.flatMap((record) => {
      const site = sites.get(siteKey(record, isForeign(record)))
      return site === undefined ? [record] : this.#admit(record, site)
    })
  }

  #admit(record: LogRecord, site: Site): LogRecord[] {
    const { ordinal, headMissing, chunk } = record
    if (isForeign(record)) return chunk !== '' && this.#isStored(record, site) ? [] : [record]
    if (!headMissing && !site.isGuess) return site.ordinals.has(ordinal) ? [] : [record]
    if (this.#isStored(record, site)) return []
    // Behind all that are archived, in the order in which they were read: what is stored of such groups is told by its text.
    return [site.next === 0 ? record : { ...record, ordinal: site.next + ordinal, headMissing: true }]
  }

  /** Whether the archive has the message at least as often as its read, which may have begun when the archive had none of it. */
  #isStored(record: LogRecord, site: Site): boolean {
    const message = record.message.toWellFormed()
    return this.#times(record, message) <= (site.messages.get(message) ?? 0)
  }

  #times(record: LogRecord, message: string): number {
    const key = `${siteKey(record, isForeign(record))}\0${record.chunk}`
    const known = this.#reads.get(key)
    const read =
      known !== undefined && record.ordinal >= known.next ? known : { next: 0, seen: new Map<string, number>() }
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
