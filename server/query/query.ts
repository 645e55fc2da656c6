import type { Expression } from '../../shared/query/ast.ts'
import type { LogStream, Position, Source } from '../../shared/record.ts'

/** Longest text that can be searched for: stores cut long lines into pieces that overlap by so much. */
export const MAX_GREP_CHARS = 512

/** Which records are wanted. Names are globs (`*`, `?`); alternatives within one list are OR, the lists are AND; an empty list means all. */
export interface Filter {
  readonly services: readonly string[]
  readonly stacks: readonly string[]
  /** `web.1`, a task id or a prefix of one. */
  readonly tasks: readonly string[]
  /** Node name, or id, or a prefix of an id. */
  readonly nodes: readonly string[]
  /** Container name, or id, or a prefix of an id. */
  readonly containers: readonly string[]
  readonly sources: readonly Source[]
  /** Substring of the message, case-insensitive; at most MAX_GREP_CHARS characters. */
  readonly grep: string
  /** What else must hold; absent means nothing. */
  readonly where?: Expression
  /** A further choice of streams that a route made (targets resolved, tasks that Docker still shows); absent means all. */
  readonly accepts?: (stream: LogStream) => boolean
}

/** The filter that takes all. */
export const EVERYTHING: Filter = {
  services: [],
  stacks: [],
  tasks: [],
  nodes: [],
  containers: [],
  sources: [],
  grep: '',
}

/** Which records a question is about: a predicate and a time range. */
export interface Scope {
  readonly filter: Filter
  /** Inclusive, nanoseconds since 1970. */
  readonly since?: bigint
  /** Exclusive. */
  readonly until?: bigint
  /** Only records committed after this (exclusive); see StoredRecord.received. */
  readonly receivedAfter?: bigint
  /** Only records committed up to this (inclusive). */
  readonly receivedUpTo?: bigint
}

/** A parsed question: a scope and how to walk it. */
export interface Query extends Scope {
  readonly order: 'asc' | 'desc'
  /** At most so many records. */
  readonly limit?: number
  /** Only records behind this place, in the query's order. */
  readonly after?: Position
  /** Only the newest N (of each task with `perTask`), still in the query's order. A clock that runs ahead does not own the newest N. */
  readonly newest?: number
  readonly perTask?: boolean
}
