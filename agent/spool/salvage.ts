import type { DatabaseSync } from 'node:sqlite'
import type { Logger } from 'pino'
import { readAgain } from '../followed.ts'
import { keptMark } from '../report/kept-mark.ts'
import { Beginning } from './beginning.ts'
import { Checkpoints } from './checkpoints.ts'
import { Chunks } from './chunks.ts'
import { Meta } from './meta.ts'
import { Spans } from './spans.ts'
import { isDamage } from './sqlite.ts'
import { inTransaction } from './transaction.ts'

/** What a look through a spool has found. */
export interface Salvage {
  /** Rows that were not what had been put, and are gone now. */
  readonly chunks: number
  readonly checkpoints: number
  /** Containers whose logs are read again. */
  readonly again: number
}

/**
 * Takes the damaged rows out of a spool; all else stays. The containers of a damaged chunk are read from Docker again, from what the store
 * surely has on: what Docker does not have any more becomes a gap. With `isPart` rows
 * are missing, and nobody knows of what. Where a container's checkpoint is lost the state begins anew: the server tells what that means.
 */
export function salvage(database: DatabaseSync, log: Logger, isPart = false): Salvage {
  const checkpoints = new Checkpoints(database)
  const found = { chunks: 0, checkpoints: 0, again: 0 }
  inTransaction(database, () => {
    found.checkpoints = checkpoints.dropDamaged()
    const meta = new Meta(database)
    if (isPart || found.checkpoints > 0) Beginning.forget(meta)
    const bad = damagedChunks(database)
    found.chunks = bad.size
    const known = isPart ? undefined : containersOf(checkpoints, bad)
    if (isPart || bad.size > 0) Spans.forget(meta)
    if (isPart || bad.size > 0) found.again = rewind(checkpoints, meta, known)
  })
  log.error(found, 'spool was damaged: what is not sound is left out, and read again as far as Docker has it')
  return found
}

/** Deletes the chunks that are not what was inserted; answers what each says it is of, by seq. */
function damagedChunks(database: DatabaseSync): Map<number, string> {
  const chunks = new Chunks(database)
  const bad = new Map<number, string>()
  for (const row of database.prepare('SELECT seq, containers FROM chunks').iterate()) {
    const [seq, containers] = [Number(row.seq), String(row.containers)]
    if (!isSound(chunks, seq) || idsIn(containers) === undefined) bad.set(seq, containers)
  }
  chunks.delete([...bad.keys()])
  return bad
}

function isSound(chunks: Chunks, seq: number): boolean {
  try {
    return chunks.next(seq - 1, seq) !== undefined
  } catch (error) {
    if (!isDamage(error)) throw error
    return false
  }
}

/** The containers that chunks are of; undefined when one of them is not known: no checksum covers what a chunk says of that. */
function containersOf(checkpoints: Checkpoints, chunks: ReadonlyMap<number, string>): ReadonlySet<string> | undefined {
  const all = new Set<string>()
  for (const text of chunks.values()) {
    const ids = idsIn(text)
    if (ids === undefined || !ids.every((id) => checkpoints.has(id))) return undefined
    for (const id of ids) all.add(id)
  }
  return all
}

function idsIn(text: string): string[] | undefined {
  try {
    const ids: unknown = JSON.parse(text)
    return Array.isArray(ids) ? ids.map(String) : undefined
  } catch {
    return undefined
  }
}

/** Has the containers (undefined: all) read again; returns how many. */
function rewind(checkpoints: Checkpoints, meta: Meta, containers: ReadonlySet<string> | undefined): number {
  const store = meta.get('store') ?? ''
  const mark = keptMark({ store, kept: (name) => meta.getSure(name) })
  const rewound = [...checkpoints.of(store)]
    .filter(([id]) => containers?.has(id) ?? true)
    .map(([id, checkpoint]) => [id, readAgain(checkpoint, mark && (mark.behind.get(id) ?? mark.upTo))] as const)
  checkpoints.put(store, new Map(rewound), Date.now())
  return rewound.length
}
