import type { Logger } from 'pino'
import type { Retention } from '../../retention.ts'
import { dayOf, type Segment } from './segment.ts'
import type { Segments } from './segments.ts'
import type { Entry } from './streams.ts'
import type { Overdue } from './thinner.ts'

/** A segment of a past day is done when nothing was written to it for so long. */
const IDLE_MS = 5 * 60_000

/** What may stay. */
export interface Limits {
  /** How long lines are kept; older ones may go, with all lines of their segment that are kept as long. */
  readonly retention: Retention
  readonly maxBytes: number
  /** Of what is archived alone; undefined: that counts with all else. */
  readonly archiveBytes: number | undefined
}

/**
 * Deletes the segments of which all lines are too old, then the oldest ones while all are too large together; never the only one, which is
 * being written, and no day that is on hold. Must run within the store's serial work. Returns how many went.
 */
export async function expireSegments(
  segments: Segments,
  limits: Limits,
  now: bigint,
  held: ReadonlySet<string>,
  log: Logger,
): Promise<number> {
  const before = segments.all.length
  const mayGo = (segment: Segment): boolean => !isHeld(segment, held)
  for (const segment of segments.all) await segments.measure(segment)
  for (const segment of limits.retention.isKnown ? segments.all : []) {
    if (mayGo(segment) && expiredIn(segment, limits.retention, now).isWhole) await expire(segments, segment, 'age', log)
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

/** Whether nothing of the segment may go: what is there by its arrival is of no day that one can hold. */
export function isHeld({ day, isOdd }: Segment, held: ReadonlySet<string>): boolean {
  return !isOdd && held.has(day)
}

/** Those that are not archived, oldest first. */
export function hotOf({ all }: Pick<Segments, 'all'>): readonly Segment[] {
  return all.filter(({ archived }) => archived === undefined)
}

/** The archived days, oldest first. */
export function archivedOf({ all }: Pick<Segments, 'all'>): readonly Segment[] {
  return all.filter(({ archived }) => archived !== undefined)
}

/** The segments of past days of which some streams are too old, and others are not. */
export function overdueIn(segments: readonly Segment[], { retention }: Limits, nowMs: number): Overdue[] {
  if (!retention.isKnown) return []
  const now = BigInt(nowMs) * 1_000_000n
  return segments
    .filter((segment) => isIdle(segment, nowMs))
    .map((segment) => ({ segment, streams: expiredIn(segment, retention, now).streams }))
    .filter(({ streams }) => streams.size > 0)
}

/** Whether the segment's day is over, and nothing has come for it of late. */
export function isIdle({ day, lastWriteMs }: Segment, nowMs: number): boolean {
  return day !== dayOf(BigInt(nowMs) * 1_000_000n) && nowMs - lastWriteMs > IDLE_MS
}

/** Bytes of segments, as of the last look at each. */
export function bytesOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + segment.bytes, 0)
}

/**
 * The streams of a segment whose lines have expired: those that are kept equally long all at once, when the newest of their lines has, so that a
 * segment is made anew once for each time that lines are kept, and not for each stream.
 */
export function expiredIn(
  segment: Segment,
  retention: Retention,
  now: bigint,
): { streams: ReadonlySet<Entry>; isWhole: boolean } {
  const byTime = new Map<bigint, Entry[]>()
  for (const entry of segment.streams.keys()) {
    const kept = retention.of(entry.stream)
    const alike = byTime.get(kept)
    if (alike === undefined) byTime.set(kept, [entry])
    else alike.push(entry)
  }
  const streams = new Set<Entry>()
  for (const [kept, alike] of byTime)
    if (segment.newestOf(alike) < now - kept) for (const entry of alike) streams.add(entry)
  const isWhole = streams.size === segment.streams.size
  return { streams, isWhole: isWhole && (streams.size > 0 || segment.newest < now - retention.defaultNs) }
}

async function expire(segments: Segments, segment: Segment, reason: string, log: Logger): Promise<void> {
  log.info({ segment: segment.name, bytes: segment.bytes, records: segment.records, reason }, 'segment expired')
  await segments.expire(segment)
}
