/** Which of a container's two outputs a line was written to. */
export type Source = 'stdout' | 'stderr'

/** The levels that a line can be given, least severe first; '' stands for "none seen". */
export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type Level = (typeof LEVELS)[number] | ''

/** The constant labels of one container's output. What a label has no value for is '' (slot: 0). */
export interface LogStream {
  /** The Swarm's id, or SWARMLOGS_CLUSTER; '' on a single host. */
  readonly cluster: string
  readonly nodeId: string
  readonly nodeName: string
  /** Stack namespace; outside a Swarm the compose project. */
  readonly stack: string
  /** Service name (with its stack prefix, as docker prints it); outside a Swarm the compose service, else the container's name. */
  readonly service: string
  readonly serviceId: string
  readonly taskId: string
  readonly taskName: string
  /** 1, 2, ... ; 0 for a global service's task and for a container that is not a task. */
  readonly slot: number
  readonly containerId: string
  readonly containerName: string
  /** Image reference, with digest where known. */
  readonly image: string
  /** The log driver's attributes (`labels`, `env`, `tag` log-opts), which `--details` prints. */
  readonly attributes: Readonly<Record<string, string>>
  /** The container's label `swarmlogs.multiline`, where its log driver does not keep it among the attributes; absent when there is none. */
  readonly multiline?: string
  /** The container's label `swarmlogs.retention`, in the same way. */
  readonly retention?: string
  /** The tag of a foreign sender (fluentd, Fluent Bit, Docker's fluentd driver); '' for our own agents. */
  readonly tag: string
}

/** The labels of nothing, for what is known of a part of them only. */
export const NO_STREAM: LogStream = {
  ...{ cluster: '', nodeId: '', nodeName: '', stack: '', service: '', serviceId: '', taskId: '', taskName: '' },
  ...{ slot: 0, containerId: '', containerName: '', image: '', attributes: {}, tag: '' },
}

/**
 * One line of output.
 * Identity is (containerId, source, time, ordinal); foreign senders' records carry `chunk` and are known by that instead.
 */
export interface LogRecord {
  readonly stream: LogStream
  readonly source: Source
  /** The engine's time, nanoseconds since 1970. */
  readonly time: bigint
  /** Index among the lines of the same container and source with the same time, from 0. For foreign records: index in the chunk. */
  readonly ordinal: number
  /** The line without its newline; a trailing CR is kept; invalid UTF-8 is U+FFFD. */
  readonly message: string
  /** Length in bytes of the whole line, when it was longer than 1 MiB and so was cut; else 0. */
  readonly cutFrom: number
  /** The lines before this one with the same time may be missing (rotated away): the ordinal is a guess, the store matches by content. */
  readonly headMissing: boolean
  /** Foreign senders only: (sender, chunk id, hash of the content), so that a chunk sent twice is stored once; '' otherwise. */
  readonly chunk: string
  /** Taken from the line once, at ingest. */
  readonly level: Level
  /** Fields found in the line (JSON, logfmt, ...): a flat JSON object of dotted names, as text; '' when there are none. */
  readonly fields: string
}

/** A record as the store gives it back. */
export interface StoredRecord extends LogRecord {
  /** When the server committed it, nanoseconds since 1970; strictly greater for each later commit, equal within one. */
  readonly received: bigint
}

/** A place in the total order of records: (time, node id, container id, source, ordinal). */
export interface Position {
  readonly time: bigint
  readonly nodeId: string
  readonly containerId: string
  readonly source: Source
  readonly ordinal: number
}

/** Compares two places in the total order: negative when `a` comes first. Strings compare by code unit. */
export function comparePositions(a: Position, b: Position): number {
  if (a.time !== b.time) return a.time < b.time ? -1 : 1
  if (a.nodeId !== b.nodeId) return a.nodeId < b.nodeId ? -1 : 1
  if (a.containerId !== b.containerId) return a.containerId < b.containerId ? -1 : 1
  if (a.source !== b.source) return a.source === 'stderr' ? -1 : 1
  return a.ordinal - b.ordinal
}

/** The place of a record in the total order. */
export function positionOf(record: LogRecord): Position {
  const { time, source, ordinal, stream } = record
  return { time, nodeId: stream.nodeId, containerId: stream.containerId, source, ordinal }
}
