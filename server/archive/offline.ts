import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ApiArchive, ApiVerified } from '../../shared/api/archive.ts'
import { SwarmlogsError } from '../../shared/errors.ts'
import { apiDay, apiHold, apiVerified } from './api.ts'
import { type ArchivedFolder, ArchiveFolder } from './folder.ts'
import { membersOf, parseFolderName, type Sealed } from './manifest.ts'
import { readManifest } from './read-manifest.ts'
import { damageOf, verifyDay } from './verify.ts'

/** What is archived in a folder, which a server may have open: nothing in it is changed. Throws SWARMLOGS_USAGE when it cannot be read. */
export async function listFolder(root: string): Promise<ApiArchive> {
  const { days, damaged } = await daysOf(root)
  const holds = await new ArchiveFolder(root).holds()
  return {
    place: root,
    days: days.map(({ path, manifest }) =>
      apiDay({
        manifest,
        bytes: membersOf(manifest).reduce((sum, { bytes }) => sum + bytes, 0),
        hold: holds.find(({ day }) => day === manifest.day),
        damaged: damaged.filter((file) => path === join(root, file.slice(0, file.indexOf('/')))),
      }),
    ),
    holds: holds.map(apiHold),
    damaged,
  }
}

/** What POST /archive/DAY/verify answers, of a folder. */
export async function* verifyInFolder(root: string, day: string): AsyncGenerator<ApiVerified> {
  const found = (await daysOf(root)).days.find(({ manifest }) => manifest.day === day)
  if (found === undefined) throw new SwarmlogsError('SWARMLOGS_NOT_FOUND', `cannot find ${day} in '${root}'`)
  const look = (name: string, sealed: Sealed) => damageOf(join(found.path, name), sealed).catch(String)
  for await (const looked of verifyDay(found, look)) yield apiVerified(found.manifest, looked)
  yield { end: true }
}

/** The newest generation of each day, oldest first. */
async function daysOf(root: string): Promise<{ days: ArchivedFolder[]; damaged: string[] }> {
  const damaged: string[] = []
  const newest = new Map<string, ArchivedFolder>()
  for (const name of await namesIn(root)) {
    const parsed = parseFolderName(name)
    const before = parsed && newest.get(parsed.day)
    if (parsed === undefined || (before?.manifest.generation ?? 0) > parsed.generation) continue
    const path = join(root, name)
    const manifest = await readManifest(path, (file) => damaged.push(`${name}/${file}`))
    if (manifest !== undefined) newest.set(parsed.day, { path, manifest })
  }
  const days = [...newest.values()].sort((a, b) => (a.manifest.day < b.manifest.day ? -1 : 1))
  if (days.length > 0 || damaged.length > 0) return { days, damaged }
  const text = `cannot find archived days in '${root}': give the folder that has those like 2026-11-19.1`
  throw new SwarmlogsError('SWARMLOGS_USAGE', text)
}

async function namesIn(root: string): Promise<string[]> {
  try {
    return await readdir(root)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot read the archive in '${root}': ${why}`, { cause })
  }
}
