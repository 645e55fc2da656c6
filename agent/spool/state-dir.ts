import { chmodSync, lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SwarmlogsError } from '../../shared/errors.ts'
import { isDiskTrouble } from './sqlite.ts'

/** Makes the agent's state folder if it is not there, private to its user. Throws SWARMLOGS_CONFIG when that cannot be, the error itself when the disk is full or fails. */
export function openStateDir(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    const stats = lstatSync(dir)
    if (!stats.isDirectory()) throw new Error(stats.isSymbolicLink() ? 'it is a symbolic link' : 'it is no folder')
    if ((stats.mode & 0o077) !== 0) chmodSync(dir, 0o700)
  } catch (cause) {
    if (isDiskTrouble(cause)) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `cannot use ${dir} as state folder: ${reason}; give a folder of the agent's own with --state`
    throw new SwarmlogsError('SWARMLOGS_CONFIG', message, { cause })
  }
}

/** Path of a file in the state folder. Throws SWARMLOGS_CONFIG when something other than a plain file is there. */
export function stateFile(dir: string, name: string): string {
  const path = join(dir, name)
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined || stats.isFile()) return path
  throw new SwarmlogsError('SWARMLOGS_CONFIG', `cannot use ${path}: it is no plain file; remove it`)
}
