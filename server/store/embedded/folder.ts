import { access, mkdir, readdir, readFile, realpath, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { SwarmlogsError } from '../../../shared/errors.ts'
import { syncPath } from '../../sync-path.ts'
import { RESTORING } from '../restoring.ts'

/** Magic numbers of statfs(2) of file systems whose locks or syncs cannot be relied on, with their names. */
const NETWORK_TYPES: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x01021997, '9p'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x73757245, 'Coda'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
])
/** How the file ends that tells which rows of a database a text can be in; it stands beside it, and can be made anew. */
export const GRAMS = '.grams'
/** How the name of a file ends that is not whole; what a crash leaves of these is deleted. */
export const UNFINISHED = '.unfinished'
/** What DuckDB keeps beside a file. */
const COMPANION = /\.wal(\.checkpoint|\.recovery)?$/
const FUSE = 0x65735546
/** FUSE has one number for all; these are local. */
const LOCAL_FUSE = new Set(['fuseblk', 'virtiofs', 'fuse.fuse-overlayfs'])

/** The folder of an embedded store and what happens in it outside of DuckDB. */
export class Folder {
  readonly root: string
  readonly segments: string
  readonly damaged: string
  readonly temp: string
  /** Where days are archived, if not elsewhere. */
  readonly archive: string
  readonly catalog: string

  private constructor(root: string) {
    this.root = root
    this.segments = join(root, 'segments')
    this.damaged = join(root, 'damaged')
    this.temp = join(root, 'tmp')
    this.archive = join(root, 'archive')
    this.catalog = join(root, 'catalog.duckdb')
  }

  /** Makes the folder where it is missing. Throws SWARMLOGS_CONFIG when it cannot be used or lies on a network file system. */
  static async open(dir: string): Promise<Folder> {
    try {
      await mkdir(dir, { recursive: true, mode: 0o700 })
      const folder = new Folder(await realpath(dir))
      await refuseNetwork(folder.root)
      if (await exists(join(folder.root, RESTORING))) throw unrestored(folder.root)
      for (const path of [folder.segments, folder.damaged]) await mkdir(path, { recursive: true, mode: 0o700 })
      return folder
    } catch (cause) {
      if (cause instanceof SwarmlogsError) throw cause
      throw new SwarmlogsError(
        'SWARMLOGS_CONFIG',
        `cannot use the data folder '${dir}': it must be a writable folder`,
        { cause },
      )
    }
  }

  /** Whether a store was made here before. */
  async hasCatalog(): Promise<boolean> {
    return exists(this.catalog)
  }

  /** Bytes that are free for us. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.root)
    return bavail * bsize
  }

  /** Bytes of the segments. */
  async usedBytes(): Promise<number> {
    const sizes = await Promise.all((await readdir(this.segments)).map((name) => sizeOf(join(this.segments, name))))
    return sizes.reduce((sum, size) => sum + size, 0)
  }

  async damagedNames(): Promise<string[]> {
    return (await readdir(this.damaged)).filter((name) => !COMPANION.test(name)).sort()
  }

  /** Moves a database file (and its WALs) among the damaged ones; returns the name it has there, '' when there was no file. */
  async setAside(path: string): Promise<string> {
    const name = await this.#freeName(path.slice(path.lastIndexOf('/') + 1))
    let moved = ''
    for (const suffix of ['', '.wal', '.wal.checkpoint', '.wal.recovery']) {
      if (!(await exists(path + suffix))) continue
      await rename(path + suffix, join(this.damaged, name + suffix))
      moved = name
    }
    await rm(path + GRAMS, { force: true })
    await syncPath(this.damaged)
    return moved
  }

  async #freeName(name: string): Promise<string> {
    for (let number = 1; ; number++) {
      const candidate = number === 1 ? name : `${name}.${number}`
      const taken = await Promise.all([candidate, `${candidate}.wal`].map((file) => exists(join(this.damaged, file))))
      if (!taken.includes(true)) return candidate
    }
  }
}

/** Deletes a database file and what is beside it; the file first, so that what a crash leaves over can be told from a loss. */
export async function removeDatabase(path: string): Promise<void> {
  for (const suffix of ['', '.wal', '.wal.checkpoint', '.wal.recovery', GRAMS]) await rm(path + suffix, { force: true })
}

/** Bytes of a database file and of what is beside it; 0 when they are not there. */
export async function databaseBytes(path: string): Promise<number> {
  const sizes = await Promise.all(['', '.wal', GRAMS].map((suffix) => sizeOf(path + suffix)))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Whether there is a file or folder of this name. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}

function unrestored(root: string): SwarmlogsError {
  const text = `cannot keep a store in '${root}': a backup was restored to it, but not to its end; delete what is in it, and restore it again`
  return new SwarmlogsError('SWARMLOGS_CONFIG', text)
}

async function refuseNetwork(root: string): Promise<void> {
  const type = (await statfs(root)).type >>> 0
  const name = type === FUSE ? await networkFuse(root) : NETWORK_TYPES.get(type)
  if (name === undefined) return
  const text = `cannot keep a store in '${root}': it is on a network file system (${name}), where neither its lock nor its commits would hold; use a local disk or volume`
  throw new SwarmlogsError('SWARMLOGS_CONFIG', text)
}

/** The type of the mount that a folder on FUSE is in, undefined when it is a local one. */
async function networkFuse(root: string): Promise<string | undefined> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  let best = { path: '', type: 'FUSE' }
  for (const line of mounts.split('\n')) {
    const [mount = '', source = ''] = line.split(' - ')
    const path = (mount.split(' ')[4] ?? '').replaceAll('\\040', ' ')
    const holds = path === '/' || root === path || root.startsWith(`${path}/`)
    if (path !== '' && holds && path.length >= best.path.length) best = { path, type: source.split(' ')[0] ?? 'FUSE' }
  }
  return LOCAL_FUSE.has(best.type) ? undefined : best.type
}
