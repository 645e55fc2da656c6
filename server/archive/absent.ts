import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { LogRecord } from '../../shared/record.ts'
import { unavailable } from '../store/unavailable.ts'
import { readOr } from './files.ts'
import type { DayManifest } from './manifest.ts'
import { MARK } from './shelf-copy.ts'

const NS_PER_DAY = 86_400_000_000_000n

/** Makes an archive's folder anew where it is lost, as `find` does; answers why that cannot be now, '' when it is there. */
export async function whyAbsent(find: () => Promise<void>): Promise<string> {
  try {
    await find()
    return ''
  } catch (error) {
    // Other failures are for people to mend: a start that succeeds would hide them.
    if (error instanceof SwarmlogsError && error.code === 'SWARMLOGS_STORE_UNAVAILABLE') return error.message
    throw error
  }
}

/** Throws for lines that may be in an archive that is not found: later nothing would tell them from others. */
export function mustBeOfToday(records: readonly LogRecord[], absent: string): void {
  const today = BigInt(Math.floor(Date.now() / 86_400_000))
  if (records.every(({ time }) => time / NS_PER_DAY >= today)) return
  throw unavailable(`store lines of past days: the archive that may have them is not found: ${absent}`)
}

/** Throws when files of a day are on a shelf alone, and none is given. */
export async function mustBeHere(path: string, { files }: DayManifest): Promise<void> {
  const shelf = await readOr(join(path, MARK), undefined)
  if (shelf === undefined || files.every(({ name }) => existsSync(join(path, name)))) return
  const text = `cannot open the archive in '${dirname(path)}': lines of it are on ${shelf} alone: give --archive-s3, as before`
  throw new SwarmlogsError('SWARMLOGS_CONFIG', text)
}
