import { copyFile, open, rm, truncate } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Logger } from 'pino'
import { failureOf } from './failure.ts'
import { databaseBytes, exists, type Folder } from './folder.ts'
import { quoteText } from './schema.ts'
import type { Segment } from './segment.ts'

/**
 * How a WAL begins: an entry (field 100: type 98) with a version, in version 2 the id of its file (16 bytes, each a varint) and a number.
 * This entry has no checksum: DuckDB ignores, and then deletes, a WAL when it cannot read it.
 */
const WAL_HEAD = /^d\0be\0(?:\x02f\0\x10(?:[\0-\x7f]|[\x80-\xff]\x01){16}g\0[\x80-\xff]*[\0-\x7f]\xff\xff|[^\x02])/s
const MAX_HEAD = 64
/** Each entry: its size and its checksum, 8 bytes each, then the data, whose place the error names. */
const ENTRY_HEAD = 16

/**
 * Makes a segment's WAL replayable before the segment is attached: one that breaks off (zeros that a power cut left, a flipped byte) is cut
 * at its first bad entry, so that all before it serves; the whole of it is kept in `damaged`. Returns whether acked lines are lost.
 */
export async function mendWal(segment: Segment, folder: Folder, log: Logger): Promise<boolean> {
  const wal = walOf(segment)
  if (!(await exists(wal))) return false
  let problem = (await startsLikeWal(wal)) ? await replayProblem(segment) : 'its beginning is not that of a WAL'
  let loss = false
  // Each turn shortens the WAL, or takes it away.
  while (problem !== undefined && (await exists(wal))) {
    const position = Number(/entry at byte position (\d+)/.exec(problem)?.[1] ?? 0) - ENTRY_HEAD
    if (position <= 0 || !(await isZeroFrom(wal, position))) {
      await keep(wal, folder, log, problem)
      loss = true
    }
    if (position > 0 && position < (await databaseBytes(wal))) await truncate(wal, position)
    else await rm(wal)
    problem = await replayProblem(segment)
  }
  return loss
}

/** What is wrong with the WAL; undefined when it can be replayed, or when something else is wrong. */
async function replayProblem(segment: Segment): Promise<string | undefined> {
  // In an engine of its own: some damage is fatal to all that an engine holds. Read-only: this must not change the file.
  const engine = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await engine.connect()
  try {
    await connection.run(`ATTACH ${quoteText(segment.path)} AS probe (READ_ONLY)`)
    return undefined
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return /replaying .*WAL file|Corrupt WAL/.test(message) && failureOf(error) !== 'newer' ? message : undefined
  } finally {
    connection.closeSync()
    engine.closeSync()
  }
}

function walOf(segment: Segment): string {
  return `${segment.path}.wal`
}

async function keep(wal: string, folder: Folder, log: Logger, reason: string): Promise<void> {
  for (let number = 1; ; number++) {
    const copy = join(folder.damaged, `${basename(wal)}.${number}`)
    if (await exists(copy)) continue
    await copyFile(wal, copy)
    log.error({ file: basename(wal), copy, reason }, 'WAL of a segment is damaged: what is before the damage serves')
    return
  }
}

async function startsLikeWal(wal: string): Promise<boolean> {
  const head = await readPart(wal, 0, MAX_HEAD)
  // One that breaks off in its first entry holds nothing that was acked.
  return head.length < MAX_HEAD || WAL_HEAD.test(head.toString('latin1'))
}

async function isZeroFrom(wal: string, position: number): Promise<boolean> {
  const size = 1 << 16
  for (let at = position; ; at += size) {
    const part = await readPart(wal, at, size)
    if (part.some((byte) => byte !== 0)) return false
    if (part.length < size) return true
  }
}

async function readPart(path: string, position: number, length: number): Promise<Buffer> {
  const handle = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}
