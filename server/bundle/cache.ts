import { hash } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { SwarmlogsError } from '../../shared/errors.ts'
import { type Passing, passingFolder } from '../../shared/passing.ts'
import { thawLines } from '../store/open.ts'
import type { Manifest, Member } from './manifest.ts'
import type { Bundle } from './read.ts'
import { damaged } from './tar.ts'

/** What is kept unpacked beside the bundle that is asked, those that were used last. */
export interface CacheBounds {
  /** That one included. */
  readonly bundles: number
  /** On disk, that one included; a larger one is kept all the same. */
  readonly bytes: number
}

const BOUNDS: CacheBounds = { bundles: 8, bytes: 10 * 2 ** 30 }
/** The unit of `blocks` in what stat tells. */
const BLOCK_BYTES = 512
/** What a killed process left is deleted after so long. */
const STALE_MS = 86_400_000
/** Counts up when what is unpacked looks otherwise. */
const FORMAT = 1
const UNFINISHED = 'unfinished-'
/** A process's own folder for what does not fit in memory. */
const SPILL = 'spill-'

/** A file of lines that is not what was saved. */
export interface LostFile {
  readonly member: Member
  readonly why: string
}

/** The lines of a bundle, unpacked. */
export interface Unpacked {
  readonly dir: string
  readonly lost: readonly LostFile[]
}

/** Unpacks the lines of a bundle, or finds them unpacked. Files that are damaged are left out and told. */
export async function unpack(bundle: Bundle, cacheDir: string, bounds: CacheBounds = BOUNDS): Promise<Unpacked> {
  try {
    return await unpackInto(bundle, cacheDir, bounds)
  } catch (cause) {
    if (cause instanceof SwarmlogsError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `cannot unpack the bundle below '${cacheDir}': ${reason}; let XDG_CACHE_HOME name a folder with room`
    throw new SwarmlogsError('SWARMLOGS_CONFIG', message, { cause })
  }
}

async function unpackInto(bundle: Bundle, cacheDir: string, bounds: CacheBounds): Promise<Unpacked> {
  await mkdir(cacheDir, { recursive: true, mode: 0o700 })
  const lost: LostFile[] = []
  for (const member of bundle.manifest.members.filter(({ lines }) => lines !== undefined)) {
    const why = await bundle.check(member)
    if (why !== '') lost.push({ member, why })
  }
  // What is damaged otherwise is unpacked anew.
  const name = `${FORMAT}-${bundle.fingerprint}${lost.length === 0 ? '' : `-${digestOf(lost)}`}`
  const dir = join(cacheDir, name)
  if (!(await exists(dir))) {
    await prune(cacheDir, name, bounds)
    await make(bundle, lost, cacheDir, dir)
  }
  // Now it is known how large it is.
  await prune(cacheDir, name, bounds)
  const now = new Date()
  await utimes(dir, now, now).catch(() => {})
  return { dir, lost }
}

/** A folder for what this process cannot hold in memory; it is its own to remove. */
export function spillDir(cacheDir: string): Promise<Passing> {
  return passingFolder(join(cacheDir, SPILL))
}

async function make(bundle: Bundle, lost: readonly LostFile[], cacheDir: string, dir: string): Promise<void> {
  const { path: unfinished, remove } = await passingFolder(join(cacheDir, UNFINISHED))
  try {
    const files: { path: string; name: string; lines: number }[] = []
    for (const member of sound(bundle.manifest, lost)) {
      const path = join(unfinished, member.name.replace('/', '-'))
      await copy(bundle, member, path)
      files.push({ path, name: member.name, lines: member.lines ?? 0 })
    }
    await thawLines(unfinished, files, bundle.manifest.streams)
    for (const { path } of files) await rm(path)
    await rename(unfinished, dir).catch(async (error: unknown) => {
      // Another process was faster: its folder is as good.
      if (!(await exists(dir))) throw error
    })
  } finally {
    await remove()
  }
}

function sound({ members }: Manifest, lost: readonly LostFile[]): Member[] {
  return members.filter(({ name, lines }) => lines !== undefined && !lost.some(({ member }) => member.name === name))
}

async function copy(bundle: Bundle, member: Member, path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    const why = await bundle.check(member, async (piece) => {
      await file.writeFile(piece)
    })
    if (why !== '') throw damaged(`${member.name}: ${why}`)
  } finally {
    await file.close()
  }
}

/** Makes room for the one of this name; a folder that another process reads goes on being read, as its files are open. */
async function prune(cacheDir: string, needed: string, bounds: CacheBounds): Promise<void> {
  const found = await Promise.all((await readdir(cacheDir)).map((name) => heldIn(cacheDir, name)))
  const isPassing = (name: string): boolean => name.startsWith(UNFINISHED) || name.startsWith(SPILL)
  const others = found.filter(({ name }) => name !== needed && !isPassing(name)).sort((a, b) => b.usedMs - a.usedMs)
  const stale = found.filter(({ name, usedMs }) => isPassing(name) && usedMs < Date.now() - STALE_MS)
  let bytes = found.find(({ name }) => name === needed)?.bytes ?? 0
  const surplus = others.filter((one, index) => {
    bytes += one.bytes
    return index >= bounds.bundles - 1 || bytes > bounds.bytes
  })
  for (const { name } of [...surplus, ...stale]) await rm(join(cacheDir, name), { recursive: true, force: true })
}

/** How much a folder has, and when it was last used. Another process may remove it meanwhile. */
async function heldIn(cacheDir: string, name: string): Promise<{ name: string; usedMs: number; bytes: number }> {
  const folder = join(cacheDir, name)
  const files = await readdir(folder, { recursive: true }).catch(() => [])
  const sizes = await Promise.all(
    files.map((file) =>
      stat(join(folder, file)).then(
        ({ blocks }) => blocks * BLOCK_BYTES,
        () => 0,
      ),
    ),
  )
  const usedMs = (await stat(folder).catch(() => undefined))?.mtimeMs ?? 0
  return { name, usedMs, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

function digestOf(lost: readonly LostFile[]): string {
  return hash('sha256', lost.map(({ member }) => member.name).join()).slice(0, 16)
}
