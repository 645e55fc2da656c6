import { SwarmlogsError } from '../../../../shared/errors.ts'
import type { LogRecord } from '../../../../shared/record.ts'
import type { ArchiveFolder } from '../../../archive/folder.ts'
import { unavailable } from '../../unavailable.ts'

const NS_PER_DAY = 86_400_000_000_000n

/** Makes the archive's folder anew where it is lost; answers why that cannot be now, '' when it is there. */
export async function whyAbsent(archive: ArchiveFolder): Promise<string> {
  try {
    await archive.restore()
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
