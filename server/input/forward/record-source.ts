import type { LogRecord } from '../../../shared/record.ts'
import type { Reason } from './refusal.ts'

/** Takes note of a record, or of the rest of a frame, that is not stored. */
export type Quarantine = (reason: Reason, detail: string) => void

/** A frame's records, decoded a slice at a time so that a large frame neither blocks the event loop nor fills the memory. */
export interface RecordSource {
  /** Must read at most so many entries on, and give the records that they made. */
  next(max: number): LogRecord[]
  readonly isDone: boolean
}
