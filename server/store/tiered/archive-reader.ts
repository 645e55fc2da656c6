import type { Gap } from '../../../shared/gap.ts'
import type { LogRecord } from '../../../shared/record.ts'
import type { Store } from '../store.ts'

/** Lines that left the hot store, by whole days; only read. What it answers must be what a store with the same lines would. */
export interface ArchiveReader
  extends Pick<Store, 'search' | 'count' | 'histogram' | 'facets' | 'streams' | 'days' | 'status' | 'lastReceived'> {
  /** Times of its first and last line, at hand at once; undefined when it has none. */
  readonly range: { readonly first: bigint; readonly last: bigint } | undefined
  /** Gaps of lines that were in it and cannot be read any more. */
  lost(): readonly Gap[]
  /** Whether it may have lines of this moment; asked of every record that comes, so it must be fast. */
  mayHold(time: bigint): boolean
  /** Which of these records of foreign senders it has, by their chunks. */
  knownByChunk(records: readonly LogRecord[]): Promise<ReadonlySet<LogRecord>>
  close(): Promise<void>
}
