import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SwarmlogsError } from '../../shared/errors.ts'
import { passingPath } from '../../shared/passing.ts'
import { syncPath } from '../sync-path.ts'
import { damagedBackup, stopped } from './manifest.ts'
import { type ReadRun, type VerifiedBackup, verifyBackup } from './verify.ts'

/** How a backup is written to a file. */
export interface SaveRun extends ReadRun {
  /** The file, which must not be there yet. */
  readonly path: string
  readonly bytes: number
  readonly pieces: AsyncIterable<Uint8Array>
}

/** Writes a backup, reads it again, and only then gives it its name. Whatever ends it early, there is no file of that name then, nor any other. */
export async function saveBackup({ path, bytes: total, pieces, signal, onProgress }: SaveRun): Promise<VerifiedBackup> {
  const unfinished = await create(`${path}.unfinished`)
  const passing = passingPath(unfinished.path)
  try {
    let bytes = 0
    for await (const piece of pieces) {
      signal.throwIfAborted()
      await unfinished.file.writeFile(piece)
      bytes += piece.length
      onProgress({ step: 'written', bytes, total })
    }
    await unfinished.file.sync()
    const verified = await verifyBackup(unfinished.path, { signal, onProgress })
    const [wrong] = verified.findings
    if (wrong !== undefined) throw damagedBackup(`${wrong.name}: ${wrong.why}`)
    signal.throwIfAborted()
    await rename(unfinished.path, path)
    await syncPath(dirname(path))
    return verified
  } catch (error) {
    if (error instanceof SwarmlogsError && !signal.aborted) throw error
    throw signal.aborted ? stopped('save the backup') : unwritable(path, error)
  } finally {
    await unfinished.file.close()
    await passing.remove()
  }
}

async function create(path: string) {
  try {
    return { path, file: await open(path, 'wx', 0o600) }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(path, cause)
    const message = `cannot write '${path}': another backup writes it, or one was killed; delete that file`
    throw new SwarmlogsError('SWARMLOGS_USAGE', message, { cause })
  }
}

function unwritable(path: string, cause: unknown): SwarmlogsError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new SwarmlogsError('SWARMLOGS_USAGE', `cannot write '${path}': ${reason}; give another -o`, { cause })
}
