import type { ServiceInfo } from './inventory.ts'
import type { LogStream, Source } from './record.ts'

/** One line as a Docker engine told it, without a server. */
export interface DirectLine {
  readonly stream: LogStream
  readonly source: Source
  /** Nanoseconds since 1970. */
  readonly time: bigint
  /** Index among the lines of the same source with the same time, from 0. */
  readonly ordinal: number
  readonly message: string
  readonly cutFrom: number
}

/** What there is to read, as engines tell. */
export interface DirectSurvey {
  /** Of logs that can be read. */
  readonly streams: readonly LogStream[]
  readonly services: readonly ServiceInfo[]
  readonly unreached: readonly Unreached[]
}

/** Why lines of a node cannot be had. */
export interface Unreached {
  readonly node: string
  readonly reason: string
  /** Whose lines they are; undefined: nobody can tell. */
  readonly stream?: LogStream
}

/** What to read of Docker. */
export interface DirectWanted {
  readonly takes: (stream: LogStream) => boolean
  readonly takesLine: (line: DirectLine) => boolean
  /** `takesLine` takes all lines, so that Docker may count them. */
  readonly takesAll: boolean
  readonly since?: bigint | undefined
  readonly until?: bigint | undefined
  /** The newest so many lines, of all or of each log; undefined: all. */
  readonly newest?: number | undefined
  readonly perTask: boolean
  readonly wantsDetails: boolean
}

/** Hears what is to be said while lines are read. */
export interface DirectListener {
  /** Lines of a node cannot be had, or not all of them. */
  readonly unreached: (unreached: Unreached) => void
  /** A task comes or goes while it is followed. */
  readonly changed: (change: 'comes' | 'goes', stream: LogStream) => void
}
