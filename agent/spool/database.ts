import { closeSync, existsSync, openSync, readdirSync, readSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Logger } from 'pino'
import { SwarmlogsError } from '../../shared/errors.ts'
import { APPLICATION_ID, openSound, pragma, SPOOL_FORMAT } from './file.ts'
import { rescue } from './rescue.ts'
import { salvage } from './salvage.ts'
import { isDamage } from './sqlite.ts'
import { stateFile } from './state-dir.ts'

const FILE = 'spool.db'
const HEADER_BYTES = 100
/** 32 MiB free, 4 MiB at a time: some milliseconds. */
const RECLAIM_FROM_PAGES = 2048
const RECLAIM_PAGES = 256
const MAGIC = 'SQLite format 3\0'

/**
 * Opens the spool's database in the state folder, or makes it. A damaged one is set aside by name, with a line in the log, and made anew of
 * what can be read of it: all else that Docker still holds is then read again. Throws SWARMLOGS_STORE_NEWER, the file untouched, when a newer agent wrote it.
 */
export function openDatabase(dir: string, log: Logger): DatabaseSync {
  const path = stateFile(dir, FILE)
  refuseNewer(path)
  try {
    return openSound(path)
  } catch (error) {
    if (!isDamage(error)) throw error
    return rebuild(dir, log, error)
  }
}

/** Takes what is damaged out of the closed database; false when all of it is sound. */
export function mend(dir: string, log: Logger, cause: unknown): boolean {
  log.warn({ err: cause }, 'spool is damaged; looking through it')
  try {
    const database = openSound(stateFile(dir, FILE))
    try {
      const { chunks, checkpoints } = salvage(database, log)
      return chunks + checkpoints > 0
    } finally {
      database.close()
    }
  } catch (error) {
    if (!isDamage(error)) throw error
    rebuild(dir, log, error).close()
    return true
  }
}

/** Makes the database anew of what can be read of a damaged one; of nothing when that fails, or has no room. */
function rebuild(dir: string, log: Logger, cause: unknown): DatabaseSync {
  const path = stateFile(dir, FILE)
  const rescued = stateFile(dir, `${FILE}.rescued`)
  try {
    rescue(path, rescued)
    // Whatever ends this process: what is missing must not count as there once the copy has its name.
    const copy = openSound(rescued)
    try {
      salvage(copy, log, true)
    } finally {
      copy.close()
    }
  } catch (error) {
    log.warn({ err: error }, 'nothing can be copied from the damaged spool')
    rmSync(rescued, { force: true })
  }
  setAside(dir, log, cause)
  if (existsSync(rescued)) renameSync(rescued, path)
  return openSound(path)
}

/** Moves the closed database out of the way; keeps one such file, as evidence. */
export function setAside(dir: string, log: Logger, cause: unknown): void {
  const aside = `${FILE}.damaged`
  for (const name of readdirSync(dir)) if (name.startsWith(aside)) rmSync(join(dir, name))
  for (const suffix of ['', '-wal', '-shm', '-journal']) {
    const path = join(dir, FILE + suffix)
    if (existsSync(path)) renameSync(path, join(dir, aside + suffix))
  }
  log.error(
    { err: cause, setAside: join(dir, aside) },
    'spool is damaged and set aside; reading again what Docker holds',
  )
}

function refuseNewer(path: string): void {
  if (!existsSync(path)) return
  const header = Buffer.alloc(HEADER_BYTES)
  const file = openSync(path, 'r')
  try {
    readSync(file, header, 0, HEADER_BYTES, 0)
  } finally {
    closeSync(file)
  }
  const isOurs = header.toString('latin1', 0, MAGIC.length) === MAGIC && header.readUInt32BE(68) === APPLICATION_ID
  const format = header.readUInt32BE(60)
  if (!isOurs || format <= SPOOL_FORMAT) return
  const message = `cannot open ${path}: it has format ${format} and this agent knows ${SPOOL_FORMAT}; start a newer swarmlogs, or give another folder with --state`
  throw new SwarmlogsError('SWARMLOGS_STORE_NEWER', message)
}

/** Gives free pages back to the disk, a few at a time, once there are many; true when there is more to do. */
export function reclaim(database: DatabaseSync): boolean {
  if (Number(pragma(database, 'freelist_count')) < RECLAIM_FROM_PAGES) return false
  database.exec(`PRAGMA incremental_vacuum(${RECLAIM_PAGES})`)
  return true
}
