import type { Checkpoint } from './line.ts'

/** A sealed chunk: what is spooled, sent and acked as a whole. */
export interface SealedChunk {
  /** 32 hex digits, never used twice. */
  readonly id: string
  /** Lines in it; 0 when it only carries checkpoints, and is then not sent. */
  readonly records: number
  /** Entries, zstd. */
  readonly body: Buffer
  /** RecordsOption, msgpack. */
  readonly option: Buffer
  /** Ids of the containers that its lines are of. */
  readonly containers: readonly string[]
  /** By container id: right once this chunk is spooled. */
  readonly checkpoints: ReadonlyMap<string, Checkpoint>
}

/** A chunk as the spool gives it back. */
export interface SpooledChunk {
  /** Its place in the order of sending. */
  readonly seq: number
  readonly id: string
  readonly records: number
  readonly body: Buffer
  readonly option: Buffer
}
