import { SwarmlogsError } from '../../shared/errors.ts'

/** SQLite's primary result codes that mean something to us. */
const BUSY = 5
const IO_ERROR = 10
const CORRUPT = 11
const FULL = 13
const CANNOT_OPEN = 14
const NOT_A_DATABASE = 26

const DISK_CODES = new Set<unknown>(['ENOSPC', 'EDQUOT', 'EIO'])

/** The primary result code of an error of node:sqlite; 0 when it is none. */
function codeOf(error: unknown): number {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0
}

/** Another process holds the lock. */
export function isBusy(error: unknown): boolean {
  return codeOf(error) === BUSY
}

/** The disk is full or does not write, as SQLite or a call of the system says: may pass. */
export function isDiskTrouble(error: unknown): boolean {
  const isCall = error instanceof Error && 'code' in error && DISK_CODES.has(error.code)
  return isCall || [IO_ERROR, FULL, CANNOT_OPEN].includes(codeOf(error))
}

/** What the file holds is no sound database. */
export function isDamage(error: unknown): boolean {
  if (error instanceof SwarmlogsError) return error.code === 'SWARMLOGS_STORE_DAMAGED'
  return [CORRUPT, NOT_A_DATABASE].includes(codeOf(error))
}

/** Whether a write could be done; false when the disk cannot be written now. */
export function succeeds(write: () => void): boolean {
  try {
    write()
    return true
  } catch (error) {
    if (!isDiskTrouble(error)) throw error
    return false
  }
}
