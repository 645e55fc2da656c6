import { SwarmlogsError } from '../../shared/errors.ts'
import type { Opening } from '../../shared/forward/lineage.ts'
import type { Gap } from '../../shared/gap.ts'
import type { Level, LogRecord, LogStream, Source, StoredRecord } from '../../shared/record.ts'
import type { Archive } from '../archive/archive.ts'
import type { Query, Scope } from '../query/query.ts'
import type { GapRange } from './gap-table.ts'
import type { HistogramBucket, HistogramWish } from './histogram.ts'

/** Who a store is: agents keep their progress per identity. */
export interface StoreIdentity {
  /** UUID, made with the store. */
  readonly id: string
  /** Counts up when the store lost data that it had acked (a segment set aside, a restored backup). */
  readonly epoch: number
}

/** How far a store has come. */
export interface Lineage {
  /** When it was opened, oldest first. */
  readonly openings: readonly Opening[]
  /** The newest commit; durable. */
  readonly last: bigint
}

/** What became of one append. */
export interface Appended {
  /** The records that were not there before, in total order, as they are now stored. */
  readonly stored: readonly StoredRecord[]
  readonly duplicates: number
  /** Gaps of what the store will never take; it has put that aside, but keeps no gaps that it is not given. Absent: none. */
  readonly refused?: readonly Gap[]
  /** The `received` of this commit; greater than that of every commit before it. */
  readonly received: bigint
}

/** An append failed when some of its records were stored already: those can be read, and count as duplicates when it is tried again. */
export class PartlyStored extends SwarmlogsError {
  readonly appended: Appended

  constructor(message: string, appended: Appended, cause: unknown) {
    super('SWARMLOGS_STORE_UNAVAILABLE', message, { cause })
    this.appended = appended
  }
}

/** How `print` writes a line: `[TIMESTAMP ]PREFIX MESSAGE\n`. */
export interface LineFormat {
  /** RFC3339 with nine digits and Z, then a space, before the prefix. */
  readonly timestamps: boolean
  /** What stands between timestamp and message; constant per stream. */
  readonly prefix: (stream: LogStream) => string
}

/** Consecutive printed lines of one source, each ending in a newline. */
export interface PrintedRun {
  readonly source: Source
  readonly text: string
}

/** One stream of the catalog. */
export interface StreamSummary {
  readonly stream: LogStream
  readonly records: number
  /** Times of its first and last record, nanoseconds since 1970. */
  readonly first: bigint
  readonly last: bigint
}

/** How many records one stream has of one source and level. */
export interface Facet {
  readonly stream: LogStream
  readonly source: Source
  readonly level: Level
  readonly records: number
}

/** What is held of one stream on one UTC day. */
export interface StreamDay {
  readonly stream: LogStream
  /** 2026-11-21; '' for lines whose time is out of all reason, which are kept by their arrival. */
  readonly day: string
  readonly records: number
}

/** Ordinals of foreign lines start here, so that they never meet those of an agent that reads the same container. */
export const FOREIGN_ORDINALS = 2 ** 31

/** State of the store, for /readyz, /metrics and notes in answers. */
export interface StoreStatus {
  readonly writable: boolean
  /** Why it is not writable, or ''. */
  readonly reason: string
  readonly records: number
  readonly bytes: number
  /** Where the store begins: nothing older is kept. Absent when it is empty. */
  readonly begins?: bigint
  readonly segments: number
  /** Why lines of past days may be missing from what it answers: its archive could not be found yet. Absent when none are. */
  readonly absent?: string
  /** Names of what was set aside as damaged. */
  readonly damaged: readonly string[]
  /** How many records the store will never take, and has put aside with the reason. Absent where there is no such thing. */
  readonly refused?: number
}

/** How much a store may grow. */
export interface StoreRoom {
  /** Free on its disk. */
  readonly freeBytes: number
  /** What it may take in all. */
  readonly maxBytes: number
}

/** A record that the store will never take. */
export interface Refusal {
  /** When it was put aside. */
  readonly time: bigint
  readonly reason: string
  readonly service: string
  readonly containerId: string
  /** The beginning of what was to be stored. */
  readonly excerpt: string
}

/** A file of a snapshot: its content is that of the moment of the snapshot. */
export interface SnapshotFile {
  /** Where it stands in the store's folder. */
  readonly name: string
  readonly bytes: number
  content(): AsyncIterable<Uint8Array>
}

/** All files of a store as they are at one moment. */
export interface Snapshot {
  readonly files: readonly SnapshotFile[]
  readonly records: number
  /** The newest commit that is in it. */
  readonly received: bigint
  /** Must be called, whatever was read. */
  close(): Promise<void>
}

/**
 * Where records live and are searched. Every store must pass test/server/store/contract.ts.
 * Any call after `close` throws SWARMLOGS_STORE_UNAVAILABLE.
 */
export interface Store {
  /** As --store names it. */
  readonly kind: string
  readonly identity: StoreIdentity
  /**
   * Must resolve only when the records are durable, must take each record once (see LogRecord for identity),
   * and must accept calls while earlier ones are pending. Throws SWARMLOGS_STORE_UNAVAILABLE when it cannot write now,
   * as PartlyStored when it could write a part.
   */
  append(records: readonly LogRecord[]): Promise<Appended>
  /** Must yield the records in total order, in batches of a few thousand, holding few batches at a time; stops when the signal aborts. */
  search(query: Query, signal?: AbortSignal): AsyncIterable<readonly StoredRecord[]>
  /** The same records as `search`, as printed text; the fast path of `logs`. */
  print(query: Query, format: LineFormat, signal?: AbortSignal): AsyncIterable<readonly PrintedRun[]>
  /** What of it is archived; absent where nothing is. */
  readonly archive?: Archive | undefined
  /** How many records the scope has. Rejects when the signal aborts. */
  count(scope: Scope, signal?: AbortSignal): Promise<number>
  /**
   * The records of the scope counted by time, buckets in order, empty ones left out. Rejects when the signal aborts, and with
   * SWARMLOGS_USAGE when there would be more counts than MAX_COUNTS.
   */
  histogram(scope: Scope, wish: HistogramWish, signal?: AbortSignal): Promise<readonly HistogramBucket[]>
  /** The records of the scope counted by stream, source and level, in no order. Rejects when the signal aborts. */
  facets(scope: Scope, signal?: AbortSignal): Promise<readonly Facet[]>
  /**
   * Must resolve only when the gaps are durable. One that is told again, known by (container, reason, from), replaces what was told before;
   * beyond MAX_GAPS neighbours become one.
   */
  appendGaps(gaps: readonly Gap[]): Promise<void>
  /** The gaps of which some lies in the range, by where they begin. They go when the lines of their time do. */
  gaps(range?: GapRange): Promise<readonly Gap[]>
  /** The catalog: every stream that the store holds records of. */
  streams(): Promise<readonly StreamSummary[]>
  /** The catalog by day: how a copy is checked. A stream and day may come more than once. */
  days(): Promise<readonly StreamDay[]>
  /** `received` of the newest commit, 0n when there is none. A search up to it and a subscription after it leave no hole. */
  readonly lastReceived: bigint
  /** By this agents notice that an older copy was put in its place. Absent where several servers write to the same data at once. */
  readonly lineage?: Lineage | undefined
  /** Must be awaited before an agent is told of `lineage`, which is undefined until then. Present where that is. Does not reject. */
  noteOpening?(): Promise<void>
  /** Small named values that live with the data (the last inventory). Absence is undefined. */
  save(name: string, value: string): Promise<void>
  load(name: string): Promise<string | undefined>
  status(): StoreStatus
  /** The newest records that were put aside, the newest first. Absent where nothing ever is. */
  refusals?(limit: number): Promise<readonly Refusal[]>
  /** The room on the disk. Absent where the disk is another machine's. */
  room?(): Promise<StoreRoom>
  /**
   * All of the store as files, which may be read while records come and go; one snapshot at a time, else SWARMLOGS_LIMIT. All that was
   * appended before the call must be in it. Absent where the store is no folder.
   */
  snapshot?(): Promise<Snapshot>
  /** Present where several servers may write to the same data at once. */
  readonly sharing?: Sharing
  close(): Promise<void>
}

/** How the servers that write to one store keep their commits in one order. */
export interface Sharing {
  /** Every append that is called from now on must be committed with a greater `received` than what this answers, which is at least `atLeast`. */
  mark(atLeast: bigint): bigint
  /** Other servers have committed up to this: searches that begin from now on must find all of it. */
  observe(received: bigint): void
  /**
   * Makes a named value another one, or leaves it where `change` answers undefined, and answers what it is now. `change` is asked again where
   * another server wrote at the same moment, and maybe of what it has made itself.
   */
  change(name: string, change: (value: string | undefined) => string | undefined): Promise<string | undefined>
}
