import { mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SwarmlogsError } from '../../shared/errors.ts'
import { passingPath } from '../../shared/passing.ts'
import { RESTORING } from '../store/restoring.ts'
import { syncPath } from '../sync-path.ts'
import { type BackupFile, type BackupManifest, damagedBackup, stopped } from './manifest.ts'
import { BackupArchive } from './read.ts'
import type { ReadRun } from './verify.ts'

/** What the root of an empty disk has. */
const NOTHING = 'lost+found'
/** In the order in which they are moved to their place: without its catalog it is no store yet. */
/** The catalog last: with it the folder is a store. */
const PARTS = ['damaged', 'segments', 'archive', 'catalog.duckdb']

/**
 * Makes the folder of a store from a backup, which is held against its sums meanwhile. Throws SWARMLOGS_USAGE when the folder is not empty, and
 * what BackupArchive.open throws; nothing is left of what ended early, and no server starts on what a crash leaves.
 */
export async function restoreBackup(path: string, dir: string, run: ReadRun): Promise<BackupManifest> {
  const archive = await BackupArchive.open(path)
  try {
    await mustBeEmpty(dir)
    const unfinished = passingPath(join(dir, RESTORING))
    try {
      await unpack(archive, unfinished.path, run)
      await moveIn(unfinished.path, dir)
    } finally {
      await unfinished.remove()
    }
    await syncPath(dir)
    return archive.manifest
  } catch (cause) {
    if (run.signal.aborted) throw stopped('restore the backup')
    if (cause instanceof SwarmlogsError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot restore to '${dir}': ${reason}; give another --data`, { cause })
  } finally {
    await archive.close()
  }
}

async function mustBeEmpty(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  if ((await readdir(dir)).every((name) => name === NOTHING)) return
  const message = `cannot restore to '${dir}': it is not empty; give a new folder, or one that has nothing in it`
  throw new SwarmlogsError('SWARMLOGS_USAGE', message)
}

async function unpack(archive: BackupArchive, dir: string, { signal, onProgress }: ReadRun): Promise<void> {
  const { bytes: total, manifest } = archive
  for (const name of ['', 'segments', 'damaged', 'archive']) await mkdir(join(dir, name), { mode: 0o700 })
  const { bavail, bsize } = await statfs(dir)
  if (bavail * bsize < total) throw new Error(`it takes ${total} bytes, of which only ${bavail * bsize} are free there`)
  let bytes = 0
  for (const file of manifest.files) {
    await mkdir(dirname(join(dir, file.name)), { recursive: true, mode: 0o700 })
    await write(archive, file, join(dir, file.name), (piece) => {
      signal.throwIfAborted()
      bytes += piece.length
      onProgress({ step: 'written', bytes, total })
    })
  }
  for (const name of ['segments', 'damaged', 'archive', '']) await syncPath(join(dir, name))
}

async function write(
  archive: BackupArchive,
  file: BackupFile,
  path: string,
  onPiece: (piece: Buffer) => void,
): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    const why = await archive.check(file, async (piece) => {
      onPiece(piece)
      await handle.writeFile(piece)
    })
    if (why !== '') throw damagedBackup(`${file.name}: ${why}`)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function moveIn(from: string, dir: string): Promise<void> {
  const moved: string[] = []
  try {
    for (const name of PARTS) {
      await rename(join(from, name), join(dir, name))
      moved.push(name)
    }
    await syncPath(dir)
  } catch (error) {
    for (const name of moved) await rm(join(dir, name), { recursive: true, force: true })
    throw error
  }
}
