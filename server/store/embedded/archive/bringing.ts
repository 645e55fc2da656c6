import type { LogRecord } from '../../../../shared/record.ts'
import { Lease } from '../../../archive/lease.ts'
import { greater } from '../../bigint.ts'
import { unavailable } from '../../unavailable.ts'
import { messageOf } from '../failure.ts'
import { clusters, overlaps } from '../lookup.ts'
import type { Parts } from '../parts.ts'
import type { Segment } from '../segment.ts'
import { type Entry, groupOf, isForeign } from '../streams.ts'

/** Appends that may wait; beyond, they are refused and the senders try again later. */
const MAX_WAITING = 1_024

/** What it looks into. */
type BringingParts = Pick<Parts, 'segments' | 'streams' | 'archive'>

/** Brings files of archived days here that late lines must be held against, before these are committed: no commit waits for a shelf. */
export class Bringing {
  readonly #parts: BringingParts
  readonly #stopping = new AbortController()
  /** In turns: groups of equal times may go over several appends. */
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(parts: BringingParts) {
    this.#parts = parts
  }

  /** Undefined when the records need no file; else resolves when all are here, where they stay until the lease is released. Rejects when that cannot be. */
  bring(records: readonly LogRecord[]): Promise<Lease> | undefined {
    const needed = this.#needed(records)
    if (needed.length === 0) return undefined
    if (this.#waiting >= MAX_WAITING)
      return Promise.reject(unavailable('store now: too many appends wait for archived days, try again later'))
    this.#waiting++
    const done = this.#last
      .then(() => this.#bring(needed, records))
      .finally(() => {
        this.#waiting--
      })
    this.#last = done.catch(() => undefined)
    return done
  }

  /** Ends what waits, with an error. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the store is being closed'))
    await this.#last
  }

  /** The archived days that may have lines of these records' containers. */
  #needed(records: readonly LogRecord[]): Segment[] {
    const { archive, segments, streams } = this.#parts
    if (archive.cache === undefined) return []
    const archived = segments.all.filter((segment) => segment.archived !== undefined)
    const entries = new Set<Entry>()
    for (const record of lateOf(records, archived))
      for (const entry of streams.group(groupOf(record.stream, isForeign(record)))) entries.add(entry)
    if (entries.size === 0) return []
    return archived.filter((segment) => [...entries].some((entry) => segment.streams.has(entry)))
  }

  async #bring(needed: readonly Segment[], records: readonly LogRecord[]): Promise<Lease> {
    const lease = new Lease(this.#stopping.signal)
    try {
      const late = lateOf(records, needed)
      const ranges = clusters(late.map(({ time }) => time))
      const hasChunks = late.some(({ chunk }) => chunk !== '')
      for (const segment of needed) {
        for (const { first, last } of ranges)
          if (overlaps(segment, first, last)) await segment.archived?.ready(lease, first, last)
        if (hasChunks) await segment.archived?.chunksSql()
      }
      return lease
    } catch (error) {
      lease.release()
      throw unavailable(`store late lines of archived days now: ${messageOf(error)}`, error)
    }
  }
}

/** Those that are not newer than all that is archived. */
function lateOf(records: readonly LogRecord[], archived: readonly Segment[]): readonly LogRecord[] {
  const newest = archived.flatMap(({ archived }) => archived?.last ?? []).reduce(greater, -1n)
  return records.filter(({ time }) => time <= newest)
}
