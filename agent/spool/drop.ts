import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { zstdCompressSync } from 'node:zlib'
import { packOption } from '../../shared/forward/encode.ts'
import type { RecordsOption } from '../../shared/forward/own.ts'
import type { SealedChunk, SpooledChunk } from '../chunk.ts'
import type { Chunks, Held } from './chunks.ts'
import { optionOf } from './contents.ts'
import { joinRemains, remainsOf } from './dropped.ts'
import { inTransaction } from './transaction.ts'

type Remains = Omit<SealedChunk, 'checkpoints'>

interface Place {
  readonly seq: number
  readonly held: Held
}

const NO_ENTRIES = zstdCompressSync(Buffer.alloc(0))

/**
 * Forgets the lines of the oldest chunk that is not on its way; its gaps take its place, or join those of the chunk before it while nobody
 * was sent these. Returns how many lines it had; undefined, with nothing changed, when there is none to drop.
 */
export function dropOldest(database: DatabaseSync, chunks: Chunks): number | undefined {
  const { victim, before } = choose(chunks)
  const chunk = victim && chunks.next(victim.seq - 1)
  if (victim === undefined || chunk === undefined) return undefined
  const remains = remainsOf(chunk, victim.held.wasSent)
  const joined = before && joinRemains(optionOf(read(chunks, before.seq)), remains)
  if (before !== undefined && joined !== undefined) replace(database, chunks, before.seq, joined, victim.seq)
  else replace(database, chunks, victim.seq, remains, victim.seq)
  return chunk.records
}

/** The oldest chunk with lines that is not on its way, and the gaps right before it, if these can be added to. */
function choose(chunks: Chunks): { victim?: Place; before?: Place | undefined } {
  let before: Place | undefined
  for (const [seq, held] of chunks.held) {
    if (held.gapsTo === undefined && !held.isInFlight) return { victim: { seq, held }, before: added(before, seq) }
    before = { seq, held }
  }
  return {}
}

function added(before: Place | undefined, seq: number): Place | undefined {
  return before?.held.gapsTo === seq - 1 && !before.held.wasSent ? before : undefined
}

function read(chunks: Chunks, seq: number): SpooledChunk {
  const chunk = chunks.next(seq - 1, seq)
  if (chunk === undefined) throw new Error(`BUG: chunk ${seq} is held and not there`)
  return chunk
}

/** Has the row at `seq` hold the gaps of all chunks from there to `last`. */
function replace(database: DatabaseSync, chunks: Chunks, seq: number, option: RecordsOption, last: number): void {
  const containers = option.streams.map(({ containerId }) => containerId)
  const id = randomBytes(16).toString('hex')
  const gaps = option.gaps?.length ?? 0
  const remains: Remains = { id, records: 0, gaps, body: NO_ENTRIES, option: packOption(option), containers }
  inTransaction(database, () => {
    if (last !== seq) chunks.delete([last])
    chunks.write(seq, remains)
  })
  if (last !== seq) chunks.forget(last)
  chunks.wrote(seq, remains, last)
}
