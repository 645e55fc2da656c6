import type { Logger } from 'pino'
import type { Segment } from './segment.ts'
import type { Segments } from './segments.ts'

/** What may stay. */
export interface Limits {
  /** Nanoseconds; lines older than that may go, with the segment that they are in. */
  readonly retentionNs: bigint
  readonly maxBytes: number
}

/**
 * Deletes the segments whose newest line is too old, then the oldest ones while all are too large together; never the only one, which is
 * being written. Must run within the store's serial work. Returns how many went.
 */
export async function expireSegments(segments: Segments, limits: Limits, now: bigint, log: Logger): Promise<number> {
  const before = segments.all.length
  for (const segment of segments.all) await segments.measure(segment)
  for (const segment of segments.all) {
    if (segment.newest < now - limits.retentionNs) await expire(segments, segment, 'age', log)
  }
  while (totalBytes(segments) > limits.maxBytes && segments.all.length > 1) {
    const [oldest] = segments.all
    if (oldest !== undefined) await expire(segments, oldest, 'size', log)
  }
  return before - segments.all.length
}

/** Bytes of all segments, as of the last look at each. */
export function totalBytes(segments: Segments): number {
  return segments.all.reduce((sum, segment) => sum + segment.bytes, 0)
}

async function expire(segments: Segments, segment: Segment, reason: string, log: Logger): Promise<void> {
  log.info({ segment: segment.name, bytes: segment.bytes, records: segment.records, reason }, 'segment expired')
  await segments.expire(segment)
}
