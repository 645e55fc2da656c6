/** What an agent does when its spool is full: stop reading (Docker holds the lines), or forget the oldest chunk (a gap). */
export const SPOOL_POLICIES = ['block', 'drop-oldest'] as const
export type SpoolPolicy = (typeof SPOOL_POLICIES)[number]

/** How many containers a report names in each of its lists; `count` tells how many there are. */
export const REPORT_LIST_LIMIT = 100

/** A container that a report names. */
export interface ReportedContainer {
  readonly containerId: string
  readonly service: string
  /** Why it is named: the log driver that cannot be read, the lossy log mode, or for one that is behind its own watermark (ns since 1970, decimal). */
  readonly detail: string
}

/** Containers of one kind: how many there are, and the first so many of them. */
export interface ReportedContainers {
  readonly count: number
  readonly named: readonly ReportedContainer[]
}

/**
 * What an agent tells of itself, every few seconds and as its last word. Times are nanoseconds since 1970 as decimal text; '' is none.
 * It travels behind the data that it speaks of, on the same connection, and is acked like it.
 */
export interface AgentReport {
  readonly cluster: string
  readonly nodeId: string
  readonly nodeName: string
  readonly version: string
  /** The engine's version; '' while it does not answer. */
  readonly engine: string
  /** The agent's clock when it made this. */
  readonly time: string
  /** The engine's clock ahead of the agent's, ms; 0 when not known. */
  readonly engineAheadMs: number
  /**
   * Watermark: every line that the engine gave a time up to this, of every container that can be read and is not in `behind`, is
   * stored. '' before the first.
   */
  readonly upTo: string
  /** Since when this agent runs. */
  readonly since: string
  /** From when on it knows of all that came and went on the node, over restarts: since its state was made, or made anew. Absent: not said. */
  readonly stateSince?: string
  /** Containers that it follows now. */
  readonly following: number
  /** Containers with their own, older watermark: history still to be read, a reader that lags. */
  readonly behind: ReportedContainers
  readonly unreadable: ReportedContainers
  readonly lossy: ReportedContainers
  /** Log files that are never rotated. */
  readonly unrotated: ReportedContainers
  readonly spool: {
    readonly chunks: number
    readonly bytes: number
    readonly maxBytes: number
    readonly policy: SpoolPolicy
    /** Why nothing is read on: `full`, `disk` (it cannot be written), or ''. */
    readonly waits: string
    /** Chunks that were dropped by the policy since the agent started. */
    readonly dropped: number
  }
  /** Over the last minute. */
  readonly linesPerSecond: number
  readonly bytesPerSecond: number
  /** Why the engine cannot be reached, or ''. */
  readonly trouble: string
  /** Set in the last report of an agent that was told to stop. */
  readonly leaving: boolean
  /** Containers that still ran, or were not read to their end, when this was made: 0 in a last report means that nothing can follow. */
  readonly unfinished: number
}
