import type { Logger } from 'pino'
import type { Annotation, Annotations } from './annotations.ts'
import type { Commits } from './commits.ts'
import type { Completeness } from './completeness.ts'
import type { GapFeed } from './gap-feed.ts'
import type { Ingestor } from './ingestor.ts'
import type { Inventories } from './inventories.ts'
import type { Live } from './live.ts'
import type { Metrics } from './metrics.ts'
import type { Peers } from './peers/peers.ts'
import type { Slots } from './slots.ts'
import type { Store } from './store/store.ts'
import type { Turns } from './turns.ts'

/** What the routes work with. */
export interface Context {
  readonly store: Store
  readonly live: Live
  readonly commits: Commits
  /** The other servers on the same store; absent when there are none. */
  readonly peers?: Pick<Peers, 'subscribe'>
  readonly inventories: Inventories
  readonly completeness: Completeness
  /** What people noted. */
  readonly annotations: Annotations
  /** Gaps as they are stored, and notes as they are made. */
  readonly gapFeed: GapFeed
  /** Tells all who follow, on the peers too, what somebody noted. */
  readonly onNoted: (annotation: Annotation) => void
  readonly ingestor: Ingestor
  readonly metrics: Metrics
  readonly log: Logger
  readonly version: string
  /** The server's clock, nanoseconds since 1970. */
  readonly now: () => bigint
  /** Places for streamed answers. */
  readonly slots: Slots
  /** Of the event queries that hold what they found. */
  readonly eventTurns: Turns
  /** Aborted when the server stops: streamed answers end then. */
  readonly stopping: AbortSignal
  readonly timing: Timing
}

/** How patient the live tail is, in milliseconds. */
export interface Timing {
  /** A comment is sent when nothing else was for so long. */
  readonly heartbeatMs: number
  /** A client that stays behind the live lines for so long is dropped. */
  readonly slowMs: number
  /** A connection that takes nothing for so long is closed. */
  readonly stalledMs: number
  /** How often a tail looks whether its lines are still complete. */
  readonly verdictMs: number
  /** A tail sends an event that got no line for so long. */
  readonly quietMs: number
  /** A query may take so much time of the store; then its answer is a part. */
  readonly queryMs: number
  /** The client of a WebSocket must have said within so long what it asks. */
  readonly parametersMs: number
}

export const TIMING: Timing = {
  heartbeatMs: 15_000,
  slowMs: 10_000,
  stalledMs: 300_000,
  verdictMs: 5_000,
  quietMs: 500,
  queryMs: 30_000,
  parametersMs: 10_000,
}
