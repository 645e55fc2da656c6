import type { LogStream } from './record.ts'

/**
 * Why lines of a container could not be collected.
 * - `rotated`: thrown away by the engine's rotation before they were read.
 * - `removed`: the container was removed before it was read to its end.
 * - `damaged`: the engine's log file, or a file of the archive, cannot be read there.
 * - `dropped`: the agent's spool was full and its policy is to drop the oldest.
 * - `unreadable`: the container's log driver cannot be read.
 * - `clock`: the engine's clock stepped, and lines may have been skipped by it.
 * - `horizon`: older than what the agent was told to read at its first sight of the container.
 * - `store`: another store had them, or this one lost them, and Docker has forgotten them.
 * - `state`: the agent had read them, or was to, and its state was lost or damaged; Docker has forgotten them.
 * - `refused`: the store will never take them, and has put them aside.
 * - `unwatched`: containers may have come and gone while nobody watched the engine, which has forgotten the events that would tell.
 * - `lossy`: the log driver may drop lines by itself (`mode=non-blocking`, the cache of dual logging); nobody can tell whether it did.
 */
export const GAP_REASONS = [
  'rotated',
  'removed',
  'damaged',
  'dropped',
  'unreadable',
  'clock',
  'horizon',
  'store',
  'state',
  'refused',
  'unwatched',
  'lossy',
] as const
export type GapReason = (typeof GAP_REASONS)[number]

/** What is known of lines that could not be collected, without the container that they are of. */
export interface GapBounds {
  /** The lines had times from here (inclusive) to there (inclusive), nanoseconds since 1970. */
  readonly from: bigint
  readonly to: bigint
  readonly reason: GapReason
  /** How many lines were lost at least. */
  readonly atLeast: number
  /** How many at most; absent: unknown. */
  readonly atMost?: number
}

/**
 * Lines of a container, or of any on a node (`nodeStream`) or on all of them (`ANY_NODE`), that could not be collected. Identity is (container id, reason, from): a gap that is told again replaces
 * the one before, so that it can grow and be sent twice.
 */
export interface Gap extends GapBounds {
  readonly stream: LogStream
}

const OF_NODE = 'node:'

/** What a gap is of that is of all of a node, as nobody knows of which of its containers: no container has such an id. */
export function nodeStream({
  cluster,
  nodeId,
  nodeName,
}: Pick<LogStream, 'cluster' | 'nodeId' | 'nodeName'>): LogStream {
  return {
    ...{ cluster, nodeId, nodeName, containerId: `${OF_NODE}${nodeId || nodeName}`, containerName: '', image: '' },
    ...{ stack: '', service: '', serviceId: '', taskId: '', taskName: '', slot: 0, attributes: {}, tag: '' },
  }
}

/** What a gap is of that can be of any node. */
export const ANY_NODE = nodeStream({ cluster: '', nodeId: '', nodeName: '' })

/** Whether a gap is of all of a node, or of any. */
export function isOfNode({ stream }: Pick<Gap, 'stream'>): boolean {
  return stream.containerId.startsWith(OF_NODE)
}

/** Whether a gap means that lines are missing; a lossy driver is only a doubt. */
export function isLoss(gap: Pick<Gap, 'reason'>): boolean {
  return gap.reason !== 'lossy'
}
