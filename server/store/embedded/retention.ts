import type { Logger } from 'pino'
import type { Segment } from './segment.ts'
import type { Segments } from './segments.ts'

/** What may stay. */
export interface Limits {
  /** Nanoseconds; lines older than that may go, with the segment that they are in. */
  readonly retentionNs: bigint
  readonly maxBytes: number
  /** Of what is archived alone; undefined: that counts with all else. */
  readonly archiveBytes: number | undefined
}

/**
 * Deletes the segments whose newest line is too old, then the oldest ones while all are too large together; never the only one, which is
 * being written, and no archived day that is on hold. Must run within the store's serial work. Returns how many went.
 */
export async function expireSegments(
  segments: Segments,
  limits: Limits,
  now: bigint,
  held: ReadonlySet<string>,
  log: Logger,
): Promise<number> {
  const before = segments.all.length
  const mayGo = ({ archived, day }: Segment): boolean => archived === undefined || !held.has(day)
  for (const segment of segments.all) await segments.measure(segment)
  for (const segment of segments.all) {
    if (segment.newest < now - limits.retentionNs && mayGo(segment)) await expire(segments, segment, 'age', log)
  }
  const { maxBytes, archiveBytes } = limits
  const shrink = async (some: () => readonly Segment[], bytes: number): Promise<void> => {
    for (const oldest of some().filter((segment) => mayGo(segment) && segment !== segments.all.at(-1)))
      if (bytesOf(some()) > bytes) await expire(segments, oldest, 'size', log)
  }
  await shrink(() => (archiveBytes === undefined ? segments.all : hotOf(segments)), maxBytes)
  if (archiveBytes !== undefined) await shrink(() => archivedOf(segments), archiveBytes)
  return before - segments.all.length
}

/** Those that are not archived, oldest first. */
export function hotOf({ all }: Pick<Segments, 'all'>): readonly Segment[] {
  return all.filter(({ archived }) => archived === undefined)
}

/** The archived days, oldest first. */
export function archivedOf({ all }: Pick<Segments, 'all'>): readonly Segment[] {
  return all.filter(({ archived }) => archived !== undefined)
}

/** Bytes of segments, as of the last look at each. */
export function bytesOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.bytes, 0)
}

async function expire(segments: Segments, segment: Segment, reason: string, log: Logger): Promise<void> {
  log.info({ segment: segment.name, bytes: segment.bytes, records: segment.records, reason }, 'segment expired')
  await segments.expire(segment)
}
