import type { ApiVerified } from '../../../shared/api/archive.ts'
import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Flags } from '../../../shared/settings.ts'
import { Client } from '../../client.ts'
import { clientConfig } from '../../config.ts'
import { ndjsonOf } from '../../ndjson.ts'
import { bytesText } from '../../output/bytes.ts'
import { counted } from '../../output/counted.ts'
import { fileProgress } from '../../output/file-progress.ts'
import { harmless } from '../../output/harmless.ts'
import { readDays } from './days.ts'
import { readArchive } from './ls.ts'

/** Files of a day as they are looked at. */
type Look = (day: string) => AsyncIterable<ApiVerified>

/** `archive verify`: exit code 1 when something is damaged. */
export async function verify(args: readonly string[], flags: Flags): Promise<void> {
  const wanted = readDays(args)
  const { days, damaged } = await readArchive(flags)
  const isWanted = (day: string): boolean => wanted.length === 0 || wanted.includes(day)
  const found = days.filter(({ day }) => isWanted(day))
  // Where a manifest and its copy are damaged the day is not among them.
  const unread = damaged.filter(
    (file) => isWanted(file.slice(0, 10)) && !days.some(({ day }) => file.startsWith(`${day}.`)),
  )
  if (wanted.length > 0 && found.length + unread.length === 0)
    throw new SwarmlogsError('SWARMLOGS_NOT_FOUND', `cannot verify ${args.join(' ')}: nothing of it is archived`)
  const progress = fileProgress()
  const look = flags.dir === undefined ? atServer(new Client(clientConfig(flags))) : inFolder(String(flags.dir))
  let bad = unread.length
  for (const file of unread) process.stdout.write(`${harmless(`${file}: damaged, and so is its copy`)}\n`)
  for (const { day, generation, lines, files } of found) {
    const wrong = await verifyDay(look(day), (count, bytes) =>
      progress.show(`${day}: ${count} of ${files} files, ${bytesText(bytes)}`),
    ).finally(progress.end)
    bad += wrong.length
    for (const { file, why, lines: lost = 0 } of wrong) {
      const cost = lost > 0 ? `; ${counted(lost, 'line')} are lost` : ''
      process.stdout.write(`${harmless(`${day}.${generation}/${file}: ${why}${cost}`)}\n`)
    }
    if (wrong.length === 0) process.stdout.write(`${day}: ${counted(lines, 'line')}, all as it was sealed\n`)
  }
  if (bad === 0) return
  const text = `cannot trust all of the archive: ${counted(bad, 'file')} of it ${bad === 1 ? 'is' : 'are'} damaged`
  throw new SwarmlogsError('SWARMLOGS_STORE_DAMAGED', `${text}; put back a copy of them, and check the disk`)
}

/** The files that are damaged. */
async function verifyDay(
  files: AsyncIterable<ApiVerified>,
  onFile: (count: number, bytes: number) => void,
): Promise<ApiVerified[]> {
  const wrong: ApiVerified[] = []
  let count = 0
  let bytes = 0
  let hasEnd = false
  for await (const looked of files) {
    if (looked.error !== undefined) throw new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', looked.error.message)
    if (looked.end === true) hasEnd = true
    else {
      count++
      bytes += looked.bytes ?? 0
      onFile(count, bytes)
    }
    if (looked.why !== undefined) wrong.push(looked)
  }
  if (hasEnd) return wrong
  throw new SwarmlogsError('SWARMLOGS_PROTOCOL', 'cannot verify all files: the answer broke off; ask again')
}

function atServer(client: Client): Look {
  return async function* (day) {
    const response = await client.post(`api/v1/archive/${day}/verify`, { accept: 'application/x-ndjson' })
    yield* ndjsonOf<ApiVerified>(client.body(response))
  }
}

function inFolder(dir: string): Look {
  return async function* (day) {
    const { verifyInFolder } = await import('../../../server/archive/offline.ts')
    yield* verifyInFolder(dir, day)
  }
}
