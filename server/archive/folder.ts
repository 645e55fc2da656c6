import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { SwarmlogsError } from '../../shared/errors.ts'
import { syncPath } from '../sync-path.ts'
import { mustBeHere } from './absent.ts'
import type { FileCache } from './cache.ts'
import { readOr, writeSynced } from './files.ts'
import { type DayManifest, folderName, MANIFEST, MANIFEST_COPY, manifestText, parseFolderName } from './manifest.ts'
import { readManifest } from './read-manifest.ts'
import { ShelfCopy, type ShelfOptions } from './shelf-copy.ts'

const UNFINISHED = '.unfinished'
/** What is to be removed from the shelf before it is here. */
const REMOVING = '.removing'
const HOLDS = 'holds.json'
const ID = 'id'
/** Tells this folder from all others, of the same archive too; never on the shelf. */
const HOLDER = 'holder'
/** A file of this name stands in a day that is to be deleted. */
const DOOMED = 'removed'

/** Why a day is kept, whatever its age and the size of all: for how long is for people to say. */
export interface Hold {
  readonly day: string
  readonly reason: string
  /** When it was put on hold, nanoseconds since 1970. */
  readonly since: string
}

/** An archive, and which of its folders it is worked on from. */
export interface HeldArchive {
  readonly id: string
  readonly holder: string
}

/** Who has the archive of what is stored. */
export interface ArchiveClaim {
  /** Whether that is noted anywhere yet. */
  readonly isNoted: boolean
  /** Whether this folder has it. Throws SWARMLOGS_CONFIG when it is another archive. */
  holds(folder: HeldArchive): Promise<boolean>
  /** Has this folder have it from now on; answers whether another one had. Throws SWARMLOGS_CONFIG when it is another archive. */
  take(folder: HeldArchive): Promise<boolean>
}

/** An archived day in a folder of the archive. */
export interface ArchivedFolder {
  readonly path: string
  readonly manifest: DayManifest
}

/** The folder of an archive: one folder for each generation of a day. */
export class ArchiveFolder {
  readonly root: string
  readonly #copy: ShelfCopy | undefined
  #unreadable: readonly string[] = []

  /** It is made when the first day is, or of what the shelf has. */
  constructor(root: string, shelf?: ShelfOptions) {
    this.root = root
    this.#copy = shelf && new ShelfCopy(root, shelf)
  }

  /** Fetches what tells of the days when nothing is here; must be awaited before anything else. */
  async restore(): Promise<void> {
    if (this.#copy !== undefined && (await this.id()) === undefined) await this.#copy.restore()
  }

  /** Has this folder have the archive. Where another one had it, what is here of the days is made what the shelf has. */
  async hold(claim: ArchiveClaim): Promise<void> {
    const id = await this.id()
    if (id === undefined) return
    const known = await readOr(join(this.root, HOLDER), undefined)
    if (known !== undefined && (await claim.holds({ id, holder: known }))) return
    const holder = randomUUID()
    // First: what the other one puts there until now is found, and from now on it puts nothing there.
    if (await claim.take({ id, holder })) await this.#copy?.restore()
    // Last: what was interrupted is done again.
    await this.#write(HOLDER, holder)
  }

  /** Where lines come from that are not local. */
  get cache(): FileCache | undefined {
    return this.#copy?.cache
  }

  /** Days of which a generation was left out, as neither its manifest nor the copy of that can be read. */
  get unreadable(): readonly string[] {
    return this.#unreadable
  }

  /** Tells this folder from another one that stands in its place; undefined when it is not there. */
  async id(): Promise<string | undefined> {
    const text = await readOr(join(this.root, ID), undefined)
    return text?.trim()
  }

  /**
   * The days that are whole, the newest generation of each, oldest first; older generations and what was left unfinished is deleted.
   * Of a day whose manifests are both damaged nothing is deleted, and an earlier generation serves. A damaged one is told to `onDamaged`,
   * 2026-11-19.1/manifest.json.
   */
  async days(onDamaged: (name: string, error: unknown) => void): Promise<ArchivedFolder[]> {
    const newest = new Map<string, ArchivedFolder>()
    const unreadable = new Set<string>()
    const names = (await this.id()) === undefined ? [] : await readdir(this.root)
    for (const name of names.filter((one) => one.endsWith(UNFINISHED))) await this.#delete(name)
    for (const name of names.filter((one) => one.endsWith(REMOVING))) this.#removeCopy(name.slice(0, -REMOVING.length))
    const found = names.flatMap((name) => ({ name, ...parseFolderName(name) }))
    for (const { name, day } of found.sort((a, b) => (b.generation ?? 0) - (a.generation ?? 0))) {
      if (day === undefined) continue
      const path = join(this.root, name)
      if (newest.has(day) || existsSync(join(path, DOOMED))) {
        await this.#delete(name)
        continue
      }
      await this.#copy?.mendManifest(name)
      const manifest = await readManifest(path, (file, error) => onDamaged(`${name}/${file}`, error))
      if (manifest !== undefined) newest.set(day, { path, manifest })
      else unreadable.add(day)
    }
    this.#unreadable = [...unreadable]
    for (const { path, manifest } of newest.values()) {
      if (this.#copy === undefined) await mustBeHere(path, manifest)
      await this.#copy?.note(manifest)
    }
    this.#copy?.adopt()
    return [...newest.values()].sort((a, b) => (a.manifest.day < b.manifest.day ? -1 : 1))
  }

  /** Makes the folder where it is missing; answers its id. */
  async prepare(): Promise<string> {
    await mkdir(this.root, { recursive: true, mode: 0o700 })
    const id = await this.id()
    if (id !== undefined) return id
    const fresh = randomUUID()
    await this.#write(ID, fresh)
    return fresh
  }

  /** Bytes that are free for it; it must be there. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.root)
    return bavail * bsize
  }

  /** An empty folder to write a generation of a day to; nothing of it counts until `finish`. */
  async begin(of: Pick<DayManifest, 'day' | 'generation'>, signal?: AbortSignal): Promise<string> {
    const path = this.pathOf(of) + UNFINISHED
    await this.prepare()
    await this.#copyPlain(folderName(of), signal)
    await rm(path, { recursive: true, force: true })
    await mkdir(path, { mode: 0o700 })
    return path
  }

  /** Writes the manifest of what `begin` began, and has it count from now on, also after a power cut. Answers where it is. */
  async finish(manifest: DayManifest, signal?: AbortSignal): Promise<string> {
    const path = this.pathOf(manifest)
    const unfinished = path + UNFINISHED
    for (const name of [MANIFEST_COPY, MANIFEST]) await writeSynced(join(unfinished, name), manifestText(manifest))
    await syncPath(unfinished)
    await this.#copy?.put(unfinished, manifest, signal)
    await rename(unfinished, path)
    await syncPath(this.root)
    await this.#copy?.note(manifest)
    return path
  }

  /** Where an archived day is. */
  pathOf(of: Pick<DayManifest, 'day' | 'generation'>): string {
    return join(this.root, folderName(of))
  }

  /** From now on a day counts no more when the archive is opened; `remove` deletes it, when nobody reads it any more. */
  async doom(of: Pick<DayManifest, 'day' | 'generation'>): Promise<void> {
    await writeSynced(join(this.pathOf(of), DOOMED), '')
    await syncPath(this.pathOf(of))
  }

  /** Takes a day out of the archive; what a crash leaves of it counts no more. */
  async remove(of: Pick<DayManifest, 'day' | 'generation'>): Promise<void> {
    await this.#delete(folderName(of))
  }

  /** Paths of the files that are of no day. */
  async ownFiles(): Promise<readonly string[]> {
    const names = (await this.id()) === undefined ? [] : await readdir(this.root)
    return [ID, HOLDS].filter((name) => names.includes(name)).map((name) => join(this.root, name))
  }

  async holds(): Promise<readonly Hold[]> {
    try {
      return JSON.parse(await readOr(join(this.root, HOLDS), '[]'))
    } catch (error) {
      const text = `cannot read '${join(this.root, HOLDS)}', which says what must be kept: mend or delete it`
      throw new SwarmlogsError('SWARMLOGS_STORE_DAMAGED', text, { cause: error })
    }
  }

  async writeHolds(holds: readonly Hold[]): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o700 })
    await this.#write(HOLDS, JSON.stringify(holds))
    await this.#copy?.putPlain([HOLDS])
  }

  /** Also tells before much work is done for nothing whether the shelf can be reached. */
  async #copyPlain(folder: string, signal?: AbortSignal): Promise<void> {
    if (this.#copy === undefined) return
    await this.#copy.removed(folder)
    const doomed = join(this.root, folder + REMOVING)
    if (existsSync(doomed)) await this.#copy.remove(folder, doomed)
    // Else what is put there now would be removed some time.
    if (existsSync(doomed)) throw new Error(`what was in ${folder} on ${this.#copy.name} is not removed yet`)
    await this.#copy.claim(signal)
    if ((await readOr(join(this.root, HOLDS), undefined)) !== undefined) await this.#copy.putPlain([HOLDS], signal)
    this.#copy.adopt()
  }

  #removeCopy(name: string): void {
    void this.#copy?.remove(name, join(this.root, name + REMOVING))
  }

  async #write(name: string, text: string): Promise<void> {
    const path = join(this.root, name)
    await writeSynced(path + UNFINISHED, text)
    await rename(path + UNFINISHED, path)
    await syncPath(this.root)
  }

  async #delete(name: string): Promise<void> {
    const path = join(this.root, name)
    if (this.#copy !== undefined && !name.endsWith(UNFINISHED)) {
      await rename(path, path + REMOVING)
      this.#removeCopy(name)
      return
    }
    // Under this name it counts no more, so that half of it is never taken for the whole.
    const doomed = name.endsWith(UNFINISHED) ? path : path + UNFINISHED
    if (doomed !== path) await rename(path, doomed)
    await rm(doomed, { recursive: true, force: true })
  }
}
