import type { Logger } from 'pino'
import type { Checkpoint } from './line.ts'
import type { Unlisted } from './orphans.ts'
import type { Tails } from './report/tails.ts'
import type { AgentStatus } from './status.ts'
import type { Engine } from './tail/engine.ts'
import type { Watched } from './tail/held-events.ts'
import type { Span } from './tail/piece.ts'

/** What to follow, and from where. */
export interface FollowOptions {
  readonly engine: Engine
  readonly checkpoints: {
    load(containerId: string): Checkpoint | undefined
    /** Told of each list: the ids of all containers that there are. */
    listed?(containerIds: ReadonlySet<string>): void
    /** Those of containers that are in no list. */
    unlisted?(containerIds: ReadonlySet<string>): readonly Unlisted[]
    /** Which lines of a container the store in use gets of what was spooled for another one. */
    spooledElsewhere?(containerId: string): Span | undefined
  }
  /** An agent before this one had read what there was up to this time, by the engine's clock. */
  readonly since?: Watched | undefined
  /** Since when the checkpoints tell of all containers, nanoseconds since 1970, decimal; '' when they do not yet. */
  readonly knowsSince?: (() => string) | undefined
  /** How far back a container's log is read at its first sight, nanoseconds before now; 0: new lines only. */
  readonly backfillNs: bigint
  /** How long the server keeps lines: older ones are not read. undefined: not known. */
  readonly retentionMs?: (() => number | undefined) | undefined
  /** Ends everything at once. */
  readonly signal: AbortSignal
  /** Ends when the containers that are being stopped have said their last words; see Follower.drain. */
  readonly drain?: AbortSignal | undefined
  readonly log: Logger
  readonly status: AgentStatus
  /** Watches the live tails. */
  readonly tails?: Tails | undefined
  /** Stands in for the Swarm's id. */
  readonly cluster?: string | undefined
  /** Stands in for the engine's name. */
  readonly nodeName?: string | undefined
  /** Follow swarmlogs' own containers too. */
  readonly includeSelf?: boolean | undefined
  /** `host:port` of our server, as a container's fluentd log driver may name it: such containers send for themselves. */
  readonly ownForwardAddresses?: readonly string[] | undefined
}
