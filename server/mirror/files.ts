import { constants, createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { fileName, parseName } from './names.ts'
import type { MirrorState, Part } from './state.ts'
import { syncFolder } from './sync.ts'

/** A file that is as large gets no more lines. */
const MAX_FILE_BYTES = 256 * 1024 * 1024
const PACKING = '.packing'
/** Lines of a past day may still be on their way. */
const QUIET_MS = 600_000
const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants

/** The files of a mirror. */
export class MirrorFiles {
  readonly #dir: string
  readonly #maxFileBytes: number
  #parts = new Map<string, Part>()
  #finished: readonly string[] = []
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

  /** Makes the files what they were when this was noted: what was written since is cut off, or deleted. */
  async restore({ parts, finished }: Pick<MirrorState, 'parts' | 'finished'>): Promise<void> {
    this.#parts = new Map([...parts].map(([key, part]) => [key, { ...part }]))
    this.#finished = finished
    this.#dirty.clear()
    const known = new Map([...this.#parts.values()].map((part) => [part.name, part]))
    for (const { name, bytes } of await this.#list()) {
      const part = known.get(name)
      if (parseName(name)?.isPacked || finished.includes(name)) continue
      if (part === undefined) await rm(join(this.#dir, name))
      else if (bytes > part.bytes) await truncate(join(this.#dir, name), part.bytes)
      else part.bytes = bytes
    }
    for (const [key, { name }] of this.#parts) if (!(await exists(join(this.#dir, name)))) this.#parts.delete(key)
  }

  /** Appends lines to the file of a service's day. */
  async append(folder: string, day: string, text: string): Promise<void> {
    const key = `${folder}/${day}`
    const part = this.#parts.get(key) ?? (await this.#begin(key, folder, day))
    const path = join(this.#dir, part.name)
    const file = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o640)
    try {
      const bytes = Buffer.from(text)
      await file.writeFile(bytes)
      part.bytes += bytes.length
      this.#dirty.add(path)
      this.#touchedMs.set(key, performance.now())
    } finally {
      await file.close()
    }
  }

  /** Makes what was written survive a power cut. */
  async sync(): Promise<void> {
    for (const path of this.#dirty) {
      const file = await open(path, 'r')
      await file.datasync().finally(() => file.close())
      await syncFolder(dirname(path))
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

  /** Packs the files that get no more lines. */
  async pack(): Promise<void> {
    for (const name of this.#finished) {
      await this.#pack(join(this.#dir, name))
      this.#finished = this.#finished.filter((other) => other !== name)
    }
  }

  async #pack(path: string): Promise<void> {
    // It was packed, and only that it was is not noted.
    if (!(await exists(path))) return
    await pipeline(createReadStream(path), createGzip(), createWriteStream(path + PACKING, { mode: 0o640 }))
    await rename(path + PACKING, `${path}.gz`)
    await rm(path)
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
      total -= bytes
      removed.push(name)
    }
    return removed
  }

  async #begin(key: string, folder: string, day: string): Promise<Part> {
    await mkdir(join(this.#dir, folder), { recursive: true, mode: 0o750 })
    const taken = (await readdir(join(this.#dir, folder))).flatMap((file) => {
      const parsed = parseName(`${folder}/${file}`)
      return parsed?.day === day ? [parsed.number] : []
    })
    const part = { name: fileName(folder, day, Math.max(0, ...taken) + 1), bytes: 0 }
    this.#parts.set(key, part)
    return part
  }

  /** All files of the mirror; what is none of its own is left alone. */
  async #list(): Promise<{ name: string; day: string; bytes: number }[]> {
    const found: { name: string; day: string; bytes: number }[] = []
    for (const folder of await readdir(this.#dir, { withFileTypes: true })) {
      if (!folder.isDirectory()) continue
      for (const file of await readdir(join(this.#dir, folder.name), { withFileTypes: true })) {
        const name = `${folder.name}/${file.name}`
        const path = join(this.#dir, name)
        if (file.name.endsWith(`.log${PACKING}`)) await rm(path)
        const parsed = parseName(name)
        if (file.isFile() && parsed !== undefined) found.push({ name, day: parsed.day, bytes: (await stat(path)).size })
      }
    }
    return found
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
