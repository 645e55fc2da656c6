import type { Checkpoint } from './line.ts'

/** A sealed chunk: what is spooled, sent and acked as a whole. */
export interface SealedChunk {
  /** 32 hex digits, never used twice. */
  readonly id: string
  /** Lines in it. */
  readonly records: number
  /** Gaps in its option; absent: none. */
  readonly gaps?: number
  /** Entries, zstd. */
  readonly body: Buffer
  /** RecordsOption, msgpack. */
  readonly option: Buffer
  /** Ids of the containers that its lines are of. */
  readonly containers: readonly string[]
  /** By container id: right once this chunk is spooled. */
  readonly checkpoints: ReadonlyMap<string, Checkpoint>
}

/** Whether a chunk has anything for a store; one without lines and gaps only carries checkpoints. */
export function isToBeSent({ records, gaps = 0 }: SealedChunk): boolean {
  return records > 0 || gaps > 0
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
