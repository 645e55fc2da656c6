import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Flags } from '../../../shared/settings.ts'
import { Client } from '../../client.ts'
import { clientConfig } from '../../config.ts'
import { bytesText } from '../../output/bytes.ts'
import { counted } from '../../output/counted.ts'
import { fileProgress } from '../../output/file-progress.ts'
import { serve } from '../../serve.ts'
import { readDays } from './days.ts'
import { readArchive } from './ls.ts'

const UNFINISHED = '.unfinished'
const MANIFEST = 'manifest.json'

/** `archive fetch`. */
export async function fetchDays(args: readonly string[], flags: Flags): Promise<void> {
  const wanted = readDays(args)
  if (wanted.length === 0) throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot fetch nothing: give days')
  if (flags.dir !== undefined) throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot fetch from a folder: copy its days')
  const dir = String(flags.output ?? '.')
  const client = new Client(clientConfig(flags))
  const { days } = await readArchive(flags)
  const found = days.filter(({ day }) => wanted.includes(day))
  if (found.length === 0)
    throw new SwarmlogsError('SWARMLOGS_NOT_FOUND', `cannot fetch ${args.join(' ')}: nothing of it is archived`)
  await serve('warn', async (_, signal) => {
    for (const { day } of found) await fetchDay({ client, day, dir, signal })
  })
}

interface Fetch {
  readonly client: Client
  readonly day: string
  readonly dir: string
  readonly signal: AbortSignal
}

/** Copies a day, its manifest last: where that is, all is. */
async function fetchDay({ client, day, dir, signal }: Fetch): Promise<void> {
  const { folderName, membersOf, parseManifest } = await import('../../../server/archive/manifest.ts')
  const { damageOf } = await import('../../../server/archive/verify.ts')
  const read = async (file: string) => {
    const path = `api/v1/archive/${day}/${file}`
    return client.body(await client.get(path, { accept: 'application/octet-stream', signal }))
  }
  const pieces: Buffer[] = []
  for await (const piece of await read(MANIFEST)) pieces.push(piece)
  const text = Buffer.concat(pieces)
  const manifest = parseManifest(text.toString(), `${day}/${MANIFEST}`)
  const members = membersOf(manifest)
  const folder = join(dir, folderName(manifest))
  await mkdir(folder, { recursive: true })
  const progress = fileProgress()
  const total = members.reduce((sum, { bytes }) => sum + bytes, 0)
  let bytes = 0
  let fetched = 0
  try {
    for (const member of members) {
      const path = join(folder, member.name)
      if ((await damageOf(path, member, signal)) !== '') {
        await write(path, await read(member.name), async (unfinished) => {
          const why = await damageOf(unfinished, member, signal)
          if (why !== '') throw notWhole(`${day}/${member.name}`, why)
        })
        fetched++
      }
      bytes += member.bytes
      progress.show(`${day}: ${bytesText(bytes)} of ${bytesText(total)}`)
    }
    await write(join(folder, MANIFEST), [text], async () => {})
  } finally {
    progress.end()
  }
  const before = members.length - fetched
  const already = before > 0 ? `, ${before} of them were there` : ''
  process.stdout.write(
    `fetched ${folder}: ${counted(manifest.lines, 'line')}, ${counted(members.length + 1, 'file')}, ${bytesText(total)}${already}\n`,
  )
}

/** Writes a file under another name until it is whole, and durable. @param check throws when it is not what it should be */
async function write(
  path: string,
  pieces: AsyncIterable<Buffer> | Iterable<Buffer>,
  check: (unfinished: string) => Promise<void>,
): Promise<void> {
  const unfinished = path + UNFINISHED
  try {
    const file = await open(unfinished, 'w')
    try {
      for await (const piece of pieces) await file.writeFile(piece)
      await file.sync()
    } finally {
      await file.close()
    }
    await check(unfinished)
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    if (error instanceof SwarmlogsError || (error instanceof Error && error.name === 'AbortError')) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', `cannot write '${path}': ${reason}`, { cause: error })
  }
}

function notWhole(file: string, why: string): SwarmlogsError {
  const text = `cannot fetch ${file}: ${why}; swarmlogs archive verify tells whether the server's is damaged`
  return new SwarmlogsError('SWARMLOGS_STORE_DAMAGED', text)
}
