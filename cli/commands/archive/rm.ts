import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Flags } from '../../../shared/settings.ts'
import { Client } from '../../client.ts'
import { clientConfig } from '../../config.ts'
import { bytesText } from '../../output/bytes.ts'
import { counted } from '../../output/counted.ts'
import { readDays } from './days.ts'
import { readArchive } from './ls.ts'

/** `archive rm`. */
export async function rm(args: readonly string[], flags: Flags): Promise<void> {
  const wanted = readDays(args)
  if (wanted.length === 0) throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot delete nothing: give days')
  if (flags.dir !== undefined)
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot delete from a folder: days are folders there, delete those')
  const client = new Client(clientConfig(flags))
  const { days } = await readArchive(flags)
  const doomed = days.filter(({ day }) => wanted.includes(day))
  if (doomed.length === 0)
    throw new SwarmlogsError('SWARMLOGS_NOT_FOUND', `cannot delete ${args.join(' ')}: nothing of it is archived`)
  const kept = doomed.find(({ hold }) => hold !== undefined)
  if (kept !== undefined) {
    const why = `it is kept (${kept.hold?.reason ?? ''}); release it first`
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot delete ${kept.day} from the archive: ${why}`)
  }
  const sum = (of: 'lines' | 'bytes'): number => doomed.reduce((all, day) => all + day[of], 0)
  const what = `${counted(doomed.length, 'day')} with ${counted(sum('lines'), 'line')}, ${bytesText(sum('bytes'))}`
  if (flags.yes !== true)
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot delete ${what}, for good, just like that: say --yes`)
  for (const { day } of doomed) await client.send('DELETE', `api/v1/archive/${day}`)
  process.stdout.write(`deleted ${what}\n`)
}
