import type { GapBounds } from '../shared/gap.ts'
import type { LogStream, Source } from '../shared/record.ts'

/** Where a target's tail goes on after a restart: JSON-able, opaque to everybody but the tail. */
export type Checkpoint = Readonly<Record<string, unknown>>

/** One line of a container's output, its message still the bytes that Docker sent. */
export interface TailLine {
  readonly source: Source
  /** The engine's time: whole seconds since 1970 and the nanoseconds within. */
  readonly seconds: number
  readonly nanos: number
  /** Index among the lines of the same source with the same time, from 0. */
  readonly ordinal: number
  /** The line without its newline. */
  readonly message: Buffer
  /** Length in bytes of the whole line when it was cut at 1 MiB; else 0. */
  readonly cutFrom: number
  /** Lines before this one with the same time may be missing. */
  readonly headMissing: boolean
}

/** Lines of one container in file order, and the checkpoint that is right once they are spooled. */
export interface TailBatch {
  readonly stream: LogStream
  readonly lines: readonly TailLine[]
  /** Lines that were found to be lost, before or among these. */
  readonly gaps?: readonly GapBounds[]
  readonly checkpoint: Checkpoint
  /** Bytes of all messages. */
  readonly bytes: number
}
