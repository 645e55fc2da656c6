import type { LogStream } from '../../shared/record.ts'
import type { DirectLine } from './origin.ts'
import type { Unreached } from './survey.ts'

/** What to read of Docker. */
export interface Wanted {
  readonly takes: (origin: LogStream) => boolean
  readonly takesLine: (line: DirectLine) => boolean
  readonly since?: bigint | undefined
  readonly until?: bigint | undefined
  /** The newest so many lines, of all or of each log; undefined: all. */
  readonly newest?: number | undefined
  readonly perTask: boolean
  /** `takesLine` takes all lines, so that Docker may count them. */
  readonly takesAll: boolean
  readonly wantsDetails: boolean
}

/** What is said while lines are read. */
export interface Listener {
  /** Lines of a node cannot be had, or not all of them. */
  readonly unreached: (unreached: Unreached) => void
  /** A task comes or goes while it is followed. */
  readonly changed: (change: 'comes' | 'goes', stream: LogStream) => void
}
