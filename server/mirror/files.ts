import { constants, createReadStream } from 'node:fs'
import { lstat, mkdir, open, readdir, rename, rm, rmdir, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { syncPath } from '../sync-path.ts'
import { fileName, parseName } from './names.ts'
import type { MirrorState, Part } from './state.ts'

/** A file that is as large gets no more lines. */
const MAX_FILE_BYTES = 256 * 1024 * 1024
const PACKING = '.packing'
/** Lines of a past day may still be on their way. */
const QUIET_MS = 600_000
const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants

interface MirrorFile {
  readonly name: string
  readonly day: string
  readonly bytes: number
}

/** The files of a mirror. */
export class MirrorFiles {
  readonly #dir: string
  readonly #maxFileBytes: number
  #parts = new Map<string, Part>()
  #finished: readonly string[] = []
  /** Of services. What is in others is left alone. */
  readonly #folders = new Set<string>()
  /** When lines were last appended to a part. */
  readonly #touchedMs = new Map<string, number>()
  /** Written to since the last sync. */
  readonly #dirty = new Set<string>()

  constructor(dir: string, maxFileBytes = MAX_FILE_BYTES) {
    this.#dir = dir
    this.#maxFileBytes = maxFileBytes
  }

  get parts(): ReadonlyMap<string, Part> {
    return this.#parts
  }

  /** Names of files that are still to be packed. */
  get finished(): readonly string[] {
    return this.#finished
  }

  /** Folders that files of the mirror are in. */
  get folders(): readonly string[] {
    return [...this.#folders]
  }

  /** Whether there is nothing that looks like a file of a mirror. */
  async isEmpty(): Promise<boolean> {
    for (const folder of await readdir(this.#dir, { withFileTypes: true }))
      if (folder.isDirectory() && (await this.#filesIn(folder.name)).length > 0) return false
    return true
  }

  /** Makes the files what they were when this was noted: what was written since is cut off. */
  async restore({ parts, finished, folders }: Pick<MirrorState, 'parts' | 'finished' | 'folders'>): Promise<void> {
    this.#parts = new Map([...parts].map(([key, part]) => [key, { ...part }]))
    this.#folders.clear()
    for (const folder of folders) this.#folders.add(folder)
    this.#dirty.clear()
    for (const [key, part] of this.#parts) {
      const bytes = await sizeOf(join(this.#dir, part.name))
      if (bytes === undefined) this.#parts.delete(key)
      else if (bytes > part.bytes) await truncate(join(this.#dir, part.name), part.bytes)
      else part.bytes = bytes
    }
    // The name of one that is gone may be given again.
    const sizes = await Promise.all(finished.map((name) => sizeOf(join(this.#dir, name))))
    this.#finished = finished.filter((_, index) => sizes[index] !== undefined)
  }

  /** Chooses the file of a service's day when it has none; true when that must be noted before lines are appended. */
  async begin(folder: string, day: string): Promise<boolean> {
    const key = `${folder}/${day}`
    if (this.#parts.has(key)) return false
    await mkdir(join(this.#dir, folder), { recursive: true, mode: 0o750 })
    this.#folders.add(folder)
    const taken = (await readdir(join(this.#dir, folder))).flatMap((file) => {
      const parsed = parseName(`${folder}/${file}`)
      return parsed?.day === day ? [parsed.number] : []
    })
    this.#parts.set(key, { name: fileName(folder, day, Math.max(0, ...taken) + 1), bytes: 0 })
    return true
  }

  /** Appends lines to the file of a service's day, which has begun; answers how many bytes they are. */
  async append(folder: string, day: string, text: string): Promise<number> {
    const key = `${folder}/${day}`
    const part = this.#parts.get(key)
    if (part === undefined) throw new Error(`the file of ${key} has not begun`)
    const path = join(this.#dir, part.name)
    const file = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o640)
    try {
      const bytes = Buffer.from(text)
      await file.writeFile(bytes)
      part.bytes += bytes.length
      this.#dirty.add(path)
      this.#touchedMs.set(key, performance.now())
      return bytes.length
    } finally {
      await file.close()
    }
  }

  /** Makes what was written survive a power cut. */
  async sync(): Promise<void> {
    for (const path of this.#dirty) {
      await syncPath(path)
      await syncPath(dirname(path))
    }
    this.#dirty.clear()
  }

  /** Lets files that are full, or of a day before this one, get no more lines. They can be packed when that is noted. */
  finish(today: string, quietMs = QUIET_MS): void {
    const isQuiet = (key: string) => performance.now() - (this.#touchedMs.get(key) ?? 0) >= quietMs
    for (const [key, { name, bytes }] of this.#parts) {
      if (bytes < this.#maxFileBytes && !(key.slice(-10) < today && isQuiet(key))) continue
      this.#parts.delete(key)
      this.#touchedMs.delete(key)
      this.#finished = [...this.#finished, name]
    }
  }

  /** Packs the files that get no more lines, until it is to stop. */
  async pack(signal: AbortSignal): Promise<void> {
    for (const name of this.#finished) {
      if (signal.aborted || !(await pack(join(this.#dir, name), signal))) return
      this.#finished = this.#finished.filter((other) => other !== name)
    }
  }

  /** Deletes the oldest days until all that is left is no more than that; a file that still gets lines stays. */
  async shrink(maxBytes: number, oldestDay: string): Promise<readonly string[]> {
    const open = new Set([...this.#parts.values()].map(({ name }) => name))
    const files = (await this.#list()).sort((a, b) =>
      a.day === b.day ? (a.name < b.name ? -1 : 1) : a.day < b.day ? -1 : 1,
    )
    let total = files.reduce((sum, { bytes }) => sum + bytes, 0)
    const removed: string[] = []
    for (const { name, day, bytes } of files) {
      if ((total <= maxBytes && day >= oldestDay) || open.has(name)) continue
      await rm(join(this.#dir, name))
      await rm(join(this.#dir, name + PACKING), { force: true })
      total -= bytes
      removed.push(name)
    }
    this.#finished = this.#finished.filter((name) => !removed.includes(name))
    await this.#leaveFolders(new Set([...open, ...files.map(({ name }) => name)].map(dirname)))
    return removed
  }

  /** Folders of services that are long gone must not add up; one that others have files in stays, and is still looked at. */
  async #leaveFolders(used: ReadonlySet<string>): Promise<void> {
    for (const folder of this.#folders) {
      if (used.has(folder)) continue
      const isGone = (error: NodeJS.ErrnoException) => error.code === 'ENOENT'
      if (await rmdir(join(this.#dir, folder)).then(() => true, isGone)) this.#folders.delete(folder)
    }
  }

  /** All files of the mirror; what is none of its own is left alone. */
  async #list(): Promise<MirrorFile[]> {
    const found: MirrorFile[] = []
    for (const folder of this.#folders) found.push(...(await this.#filesIn(folder)))
    return found
  }

  /** None of a folder that cannot be read. */
  async #filesIn(folder: string): Promise<MirrorFile[]> {
    const found: MirrorFile[] = []
    for (const file of await readdir(join(this.#dir, folder)).catch(() => [])) {
      const name = `${folder}/${file}`
      const parsed = parseName(name)
      if (parsed === undefined) continue
      const bytes = await sizeOf(join(this.#dir, name)).catch(() => undefined)
      if (bytes !== undefined) found.push({ name, day: parsed.day, bytes })
    }
    return found
  }
}

/** Makes a .gz of a file, durably before the file is removed; false when it was stopped. */
async function pack(path: string, signal: AbortSignal): Promise<boolean> {
  // It was packed, and only that it was is not noted.
  if ((await sizeOf(path)) === undefined) return true
  const packing = path + PACKING
  try {
    const file = await open(packing, 'w', 0o640)
    await pipeline(createReadStream(path), createGzip(), file.createWriteStream(), { signal })
    await syncPath(packing)
  } catch (error) {
    await rm(packing, { force: true })
    if (signal.aborted) return false
    throw error
  }
  await rename(packing, `${path}.gz`)
  await syncPath(dirname(path))
  await rm(path)
  return true
}

/** Undefined when there is no file. */
async function sizeOf(path: string): Promise<number | undefined> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return found?.isFile() ? found.size : undefined
}
