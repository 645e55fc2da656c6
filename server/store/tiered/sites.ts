import type { LogRecord, LogStream, StoredRecord } from '../../../shared/record.ts'
import { EVERYTHING } from '../../query/query.ts'
import { FOREIGN_ORDINALS } from '../store.ts'
import type { ArchiveReader } from './archive-reader.ts'

/** So many stretches of time are read apart at most, and what is nearer than that together. */
const MAX_STRETCHES = 32
const NEAR = 1_000_000_000n

/** What the archive has at one place: own lines of one container, source and time. */
export interface Site {
  readonly ordinals: Set<number>
  readonly messages: Map<string, number>
  /** Greater than all of the ordinals. */
  next: number
  /** Some of the ordinals are guesses. */
  isGuess: boolean
}

/** Whether a record is known by its chunk, not by its ordinal. */
export function isForeign({ chunk, stream }: LogRecord): boolean {
  return chunk !== '' || stream.tag !== ''
}

/** Where an own line stands. */
export function siteKey({ stream, source, time }: LogRecord): string {
  return `${stream.containerId}\0${source}\0${time}`
}

/** Reads what the archive has at the places of own lines; memory grows with these, not with what is around them. */
export async function readSites(
  archive: Pick<ArchiveReader, 'search'>,
  records: readonly LogRecord[],
): Promise<ReadonlyMap<string, Site>> {
  const sites = new Map<string, Site>()
  for (const record of records) {
    const site: Site = { ordinals: new Set(), messages: new Map(), next: 0, isGuess: false }
    sites.set(siteKey(record), site)
  }
  const owners = new Set(records.map(({ stream }) => stream.containerId))
  const filter = { ...EVERYTHING, accepts: ({ containerId }: LogStream) => owners.has(containerId) }
  for (const { first, last } of stretchesOf(records.map(({ time }) => time))) {
    for await (const found of archive.search({ filter, order: 'asc', since: first, until: last + 1n }))
      note(sites, found)
  }
  return sites
}

function note(sites: ReadonlyMap<string, Site>, records: readonly StoredRecord[]): void {
  for (const record of records) {
    const site = record.ordinal < FOREIGN_ORDINALS ? sites.get(siteKey(record)) : undefined
    if (site === undefined) continue
    site.ordinals.add(record.ordinal)
    site.messages.set(record.message, (site.messages.get(record.message) ?? 0) + 1)
    site.next = Math.max(site.next, record.ordinal + 1)
    site.isGuess ||= record.headMissing
  }
}

interface Stretch {
  readonly first: bigint
  last: bigint
}

/** Few stretches that have all the times, with the largest holes between them. */
function stretchesOf(times: readonly bigint[]): readonly Stretch[] {
  const sorted = [...new Set(times)].sort((a, b) => (a < b ? -1 : 1))
  const holes = sorted.map((time, index) => time - (sorted[index - 1] ?? time)).sort((a, b) => (a > b ? -1 : 1))
  const least = holes[MAX_STRETCHES - 1] ?? 0n
  const stretches: Stretch[] = []
  for (const time of sorted) {
    const current = stretches.at(-1)
    const hole = time - (current?.last ?? time)
    if (current === undefined || (hole > NEAR && hole > least)) stretches.push({ first: time, last: time })
    else current.last = time
  }
  return stretches
}
