import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { SwarmlogsError } from '../../shared/errors.ts'
import { syncPath } from '../sync-path.ts'
import { FileCache } from './cache.ts'
import { writeSynced } from './files.ts'
import {
  CHUNKS,
  type DayManifest,
  folderName,
  MANIFEST,
  manifestText,
  membersOf,
  parseFolderName,
  parseManifest,
  WORDS,
} from './manifest.ts'
import { readManifest } from './read-manifest.ts'
import type { Shelf } from './shelf.ts'

/** So many small files are fetched at once. */
const FETCHES = 8
/** Tells an archive from others; it is fetched last. */
const ID = 'id'
/** In the folder of a day: the shelf that it is on. */
export const MARK = 'shelf'

/** Where an archive is kept besides its folder, and how much of its lines may be in that. */
export interface ShelfOptions {
  readonly shelf: Shelf
  readonly cacheBytes: number
  readonly log: Logger
}

const DEFAULT_CACHE_BYTES = 10 * 2 ** 30

/** With what is taken when nothing is said of the cache. */
export function shelfOptions(shelf: Shelf, cacheBytes: number | undefined, log: Logger): ShelfOptions {
  return { shelf, cacheBytes: cacheBytes ?? DEFAULT_CACHE_BYTES, log }
}

/** The copy of an archive on a shelf. Of its folder only the files of lines may be missing; the shelf has all. */
export class ShelfCopy {
  readonly cache: FileCache
  readonly #root: string
  readonly #shelf: Shelf
  readonly #log: Logger
  /** Days that are being removed, by the names of their folders. */
  readonly #removals = new Map<string, Promise<void>>()
  /** Days that are on this machine alone, by the names of their folders. */
  readonly #missing = new Map<string, DayManifest>()
  #adoption: Promise<void> | undefined

  constructor(root: string, { shelf, cacheBytes, log }: ShelfOptions) {
    this.#root = root
    this.#shelf = shelf
    this.#log = log
    this.cache = new FileCache(root, shelf, cacheBytes)
  }

  get name(): string {
    return this.#shelf.name
  }

  /** Makes the folder of what the shelf has: what tells of days and words; lines come when they are needed. What was taken off the shelf goes here, too. */
  async restore(): Promise<void> {
    const folders = new Map<string, { folder: string; generation: number; names: string[] }>()
    const plain: string[] = []
    for await (const { name } of this.#shelf.list()) {
      const [folder = '', file] = name.split('/')
      const { day, generation = 0 } = parseFolderName(folder) ?? {}
      if (file === undefined) plain.push(name)
      if (day === undefined || ![MANIFEST, WORDS, CHUNKS].includes(file ?? '')) continue
      const known = folders.get(folder) ?? { folder, generation, names: [] }
      folders.set(folder, { ...known, names: [...known.names, name] })
    }
    if (!plain.includes(ID)) return
    await mkdir(this.#root, { recursive: true, mode: 0o700 })
    await this.#mustBeOurs()
    // Without a manifest nothing of a day counts.
    const whole = [...folders.values()].filter(({ names }) => names.some((name) => name.endsWith(`/${MANIFEST}`)))
    const left = whole.values()
    const work = async () => {
      for (const { folder, names } of left) await this.#restoreDay(folder, names)
    }
    await Promise.all(Array.from({ length: FETCHES }, work))
    await this.#forget(whole.map(({ folder }) => folder))
    for (const name of plain.filter((one) => one !== ID)) await this.#shelf.get(name, join(this.#root, name))
    await this.#shelf.get(ID, join(this.#root, ID))
    this.#log.info({ days: whole.length, shelf: this.name }, 'archive restored from its storage')
  }

  /** Has a day's manifest and its copy be right, if either is, or the one on the shelf. Does not throw. */
  async mendManifest(folder: string): Promise<void> {
    const path = join(this.#root, folder)
    const damaged: string[] = []
    try {
      if ((await readManifest(path, (file) => damaged.push(file))) === undefined) {
        await this.#shelf.get(`${folder}/${MANIFEST}`, join(path, MANIFEST))
        damaged.splice(0, 1)
      }
      const manifest = await readManifest(path, () => {})
      if (manifest === undefined || damaged.length === 0) return
      for (const name of damaged) await writeSynced(join(path, name), manifestText(manifest))
      this.#log.info({ folder, damaged }, 'damaged manifest of an archived day was mended')
    } catch (err) {
      this.#log.warn({ err, folder }, 'manifest of an archived day cannot be fetched now')
    }
  }

  /** Takes over a day that is here, on the shelf or not: from before there was one. */
  async note(manifest: DayManifest): Promise<void> {
    const folder = folderName(manifest)
    const isElsewhere = (await read(join(this.#root, folder, MARK))) === this.name
    if (!isElsewhere) this.#missing.set(folder, manifest)
    await this.#noteFiles(manifest, isElsewhere)
  }

  /** Puts days on the shelf that are not, by and by; what fails is tried again with the next call. */
  adopt(): void {
    this.#adoption ??= this.#adopt()
      .catch((err: unknown) => this.#log.warn({ err }, 'archived days cannot be put on the storage of the archive now'))
      .finally(() => {
        this.#adoption = undefined
      })
  }

  /** Throws when the shelf belongs to another archive. */
  async claim(signal?: AbortSignal): Promise<void> {
    if (!(await this.#mustBeOurs(signal))) await this.#shelf.put(ID, join(this.#root, ID), signal)
  }

  /** Puts a day there, its manifest last: with that it counts. */
  async put(dir: string, manifest: DayManifest, signal?: AbortSignal): Promise<void> {
    const folder = folderName(manifest)
    // An earlier try may have ended behind this point: its manifest would tell of other files.
    await this.#shelf.remove([`${folder}/${MANIFEST}`], signal)
    for (const { name } of membersOf(manifest)) await this.#shelf.put(`${folder}/${name}`, join(dir, name), signal)
    await this.#shelf.put(`${folder}/${MANIFEST}`, join(dir, MANIFEST), signal)
    await writeFile(join(dir, MARK), this.name)
  }

  /** Puts files of the folder itself there, where they are not as they are here. */
  async putPlain(names: readonly string[], signal?: AbortSignal): Promise<void> {
    for (const name of names) await this.#shelf.put(name, join(this.#root, name), signal)
  }

  /** Removes a day from the shelf, then the local folder that tells what is to be removed. Does not throw. */
  async remove(folder: string, doomed: string): Promise<void> {
    const removal = this.#removals.get(folder) ?? this.#remove(folder, doomed)
    this.#removals.set(folder, removal)
    await removal
  }

  /** Resolves when a day that is to be removed is, or cannot be now. */
  async removed(folder: string): Promise<void> {
    await this.#removals.get(folder)
  }

  /** Whether the shelf has an archive. Throws when it is another one than is here. */
  async #mustBeOurs(signal?: AbortSignal): Promise<boolean> {
    const path = join(this.#root, `${ID}.unfinished`)
    const isThere = await this.#shelf.get(ID, path, signal).then(
      () => true,
      (error: unknown) => {
        if (error instanceof SwarmlogsError && error.code === 'SWARMLOGS_NOT_FOUND') return false
        throw error
      },
    )
    const [ours, theirs] = await Promise.all([join(this.#root, ID), path].map(read))
    await rm(path, { force: true })
    if (!isThere || ours === '' || ours === theirs) return isThere
    const text = `cannot archive to ${this.name}: it belongs to another archive than '${this.#root}': give another prefix (--archive-s3)`
    throw new SwarmlogsError('SWARMLOGS_CONFIG', text)
  }

  /** Deletes the days here that were on the shelf, and are not among these. */
  async #forget(folders: readonly string[]): Promise<void> {
    const others = (await readdir(this.#root)).filter((name) => parseFolderName(name) && !folders.includes(name))
    for (const name of others) {
      const path = join(this.#root, name)
      if ((await read(join(path, MARK))) === this.name) await rm(path, { recursive: true })
    }
  }

  async #remove(folder: string, doomed: string): Promise<void> {
    try {
      const manifest = parseManifest(await readFile(join(doomed, MANIFEST), 'utf8'), `${folder}/${MANIFEST}`)
      const names = membersOf(manifest).map(({ name }) => `${folder}/${name}`)
      for (const name of names) this.cache.forget(name)
      this.#missing.delete(folder)
      await this.#shelf.remove([`${folder}/${MANIFEST}`])
      await this.#shelf.remove(names)
      await rm(doomed, { recursive: true, force: true })
    } catch (err) {
      this.#log.warn(
        { err, folder },
        'a day cannot be removed from the storage of the archive now: the next start tries again',
      )
    } finally {
      this.#removals.delete(folder)
    }
  }

  async #restoreDay(folder: string, names: readonly string[]): Promise<void> {
    const path = join(this.#root, folder)
    const draft = `${path}.unfinished`
    await mkdir(draft, { recursive: true, mode: 0o700 })
    await this.#shelf.get(`${folder}/${MANIFEST}`, join(draft, MANIFEST))
    const [known, theirs] = await Promise.all([path, draft].map((dir) => read(join(dir, MANIFEST))))
    if (known === theirs && (await read(join(path, MARK))) === this.name) {
      await rm(draft, { recursive: true })
      return
    }
    for (const name of names.filter((one) => one !== `${folder}/${MANIFEST}`))
      await this.#shelf.get(name, join(draft, name.slice(folder.length + 1)))
    await writeFile(join(draft, MARK), this.name)
    // Of a restore that was interrupted, or what it was before.
    await rm(path, { recursive: true, force: true })
    await rename(draft, path)
    await syncPath(this.#root)
  }

  async #adopt(): Promise<void> {
    if (this.#missing.size > 0) await this.claim()
    for (const [folder, manifest] of [...this.#missing]) {
      await this.put(join(this.#root, folder), manifest)
      this.#missing.delete(folder)
      await this.#noteFiles(manifest, true)
    }
  }

  /** Tells the cache what is local. */
  async #noteFiles(manifest: DayManifest, isElsewhere: boolean): Promise<void> {
    const folder = folderName(manifest)
    const there = new Set(await readdir(join(this.#root, folder)))
    for (const { name, bytes } of manifest.files)
      if (there.has(name)) this.cache.note(`${folder}/${name}`, bytes, isElsewhere)
  }
}

async function read(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim()
}
