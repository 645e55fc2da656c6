import { copyFile, open, rm, truncate } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Logger } from 'pino'
import { failureOf, messageOf } from './failure.ts'
import { databaseBytes, exists, type Folder } from './folder.ts'
import { quoteText } from './schema.ts'
import type { Segment } from './segment.ts'

/** How the WAL of every version that we write begins: an entry that names the version. */
const WAL_HEAD = Buffer.from('640062650002', 'hex')
/** Each entry: its size and its checksum, 8 bytes each, then the data, whose place the error names. */
const ENTRY_HEAD = 16

/**
 * DuckDB ignores, and then deletes, a WAL whose first bytes it does not know: such a one is copied to `damaged` before the segment is
 * attached. Returns whether it was, that is, whether acked lines are lost.
 */
export async function keepUnreadableWal(segment: Segment, folder: Folder, log: Logger): Promise<boolean> {
  const wal = walOf(segment)
  if (!(await exists(wal)) || (await startsLikeWal(wal))) return false
  await keep(wal, folder, log, 'its beginning is not that of a WAL')
  return true
}

/**
 * Makes the WAL replayable after attaching failed with `cause`: one that breaks off (zeros that a power cut left, a flipped byte) is cut
 * at its first bad entry, so that all before it serves; the whole of it is kept in `damaged`. Returns whether acked lines are lost;
 * throws what is not the WAL's fault.
 */
export async function mendWal(
  connection: DuckDBConnection,
  segment: Segment,
  folder: Folder,
  log: Logger,
  cause: unknown,
): Promise<boolean> {
  const wal = walOf(segment)
  let problem = walProblem(cause)
  if (problem === undefined) throw cause
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
    problem = await replayProblem(connection, segment)
  }
  return loss
}

async function replayProblem(connection: DuckDBConnection, segment: Segment): Promise<string | undefined> {
  try {
    // Read-only: this must not change the file.
    await connection.run(`ATTACH ${quoteText(segment.path)} AS probe (READ_ONLY)`)
    await connection.run('DETACH probe')
    return undefined
  } catch (error) {
    return walProblem(error)
  }
}

/** What is wrong with the WAL; undefined when the error is about something else. */
function walProblem(error: unknown): string | undefined {
  const message = messageOf(error)
  return failureOf(error) === 'damaged' && /replaying .*WAL file|Corrupt WAL/.test(message) ? message : undefined
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
  const head = await readPart(wal, 0, WAL_HEAD.length)
  // One that breaks off in its first bytes holds nothing that was acked.
  return head.equals(WAL_HEAD.subarray(0, head.length))
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
