import { join } from 'node:path'
import type { Logger } from 'pino'
import { unavailable } from '../store/unavailable.ts'
import type { Verified } from './archive.ts'
import type { FileCache } from './cache.ts'
import type { ArchivedFolder } from './folder.ts'
import { Lease } from './lease.ts'
import { CHUNKS, folderName, isLinesName, MANIFEST, MANIFEST_COPY, membersOf, type Sealed, WORDS } from './manifest.ts'
import { damageOf, verifyDay } from './verify.ts'

/** What a disk cannot read now it may be able to soon; where it still cannot after so long the file counts as damaged, and is looked at again later. */
const PERSISTS_MS = 60_000
const AGAIN_MS = 3_600_000

/** What is lost with a file that is damaged. */
const LOST: Readonly<Record<string, string>> = {
  [MANIFEST]: 'its copy has all of it',
  [MANIFEST_COPY]: 'the manifest has all of it',
  [WORDS]: 'searches read more lines than they need',
  [CHUNKS]: 'what foreign senders send again for its day counts as new',
}

/** What is known of a file. */
interface Known {
  /** Whether it is what was sealed; looked at when it is first needed. */
  sound?: Promise<boolean> | undefined
  isDamaged?: boolean
  /** Since when the disk cannot read it. */
  failedMs?: number | undefined
  /** When to look at it again. */
  againMs?: number | undefined
}

/** The files of an archived day: they are brought here when they are needed, and held against the manifest when they are first used. */
export class DayFiles {
  readonly #folder: ArchivedFolder
  readonly #log: Logger
  readonly #cache: FileCache | undefined
  readonly #look: typeof damageOf
  readonly #sealed: ReadonlyMap<string, Sealed>
  readonly #known = new Map<string, Known>()

  /** @param cache where files come from that are not here, or damaged; without one all must be here. @param look reads a file */
  constructor(folder: ArchivedFolder, log: Logger, cache?: FileCache, look = damageOf) {
    this.#folder = folder
    this.#log = log
    this.#cache = cache
    this.#look = look
    this.#sealed = new Map(membersOf(folder.manifest).map((member) => [member.name, member]))
  }

  /** Names of files that are not what was sealed, as far as was looked, with that of their folder. */
  get damaged(): readonly string[] {
    return [...this.#known].filter(([, { isDamaged }]) => isDamaged).map(([name]) => this.#path(name))
  }

  isDamaged(name: string): boolean {
    return this.#known.get(name)?.isDamaged ?? false
  }

  /** Resolves when a file is local; it stays until the lease is released. */
  async take(name: string, lease: Lease): Promise<void> {
    const sealed = this.#sealed.get(name)
    if (this.#cache === undefined || sealed === undefined || !isLinesName(name)) return
    lease.hold(await this.#cache.take(this.#path(name), sealed.bytes, lease.signal))
  }

  /** Whether a local file is what was sealed. Throws SWARMLOGS_STORE_UNAVAILABLE when it cannot be read now. */
  async isSound(name: string): Promise<boolean> {
    const known = this.#of(name)
    if (known.againMs !== undefined && performance.now() >= known.againMs) known.sound = undefined
    known.sound ??= this.#examine(name).then((why) => this.#judge(name, why))
    try {
      return await known.sound
    } catch (error) {
      known.sound = undefined
      throw error
    }
  }

  /** Has a file be looked at again when it is used next. */
  doubt(name: string): void {
    this.#of(name).sound = undefined
  }

  /** Looks again at files of lines that were sound; tells of them as `isSound` does. */
  async lookAgain(): Promise<void> {
    for (const name of [...this.#sealed.keys()].filter((one) => isLinesName(one) && !this.isDamaged(one))) {
      this.doubt(name)
      const lease = new Lease()
      try {
        await this.take(name, lease)
        await this.isSound(name)
      } finally {
        lease.release()
      }
    }
  }

  /** Reads all files, and tells of each what it is; what is damaged is left out from then on. */
  async *verify(signal?: AbortSignal): AsyncGenerator<Verified> {
    const lease = new Lease(signal)
    const look = async (name: string): Promise<string> => {
      // In the place of what was taken before.
      lease.release()
      await this.take(name, lease)
      try {
        const why = await this.#examine(name, signal)
        this.#judge(name, why)
        return why
      } catch (error) {
        signal?.throwIfAborted()
        return error instanceof Error ? error.message : String(error)
      }
    }
    try {
      for await (const looked of verifyDay(this.#folder, look)) {
        if (!this.#sealed.has(looked.name)) this.#judge(looked.name, looked.why)
        yield looked
      }
    } finally {
      lease.release()
    }
  }

  /** Why a file is not what was sealed, '' when it is; of a damaged one another is fetched first, where there is any. */
  async #examine(name: string, signal?: AbortSignal): Promise<string> {
    const why = await this.#read(name, signal)
    if (why === '' || !(await this.#fetchAnew(name, signal))) return why
    const left = await this.#read(name, signal)
    if (left === '') this.#log.info({ file: this.#path(name), why }, 'a damaged file of the archive was fetched anew')
    return left
  }

  async #read(name: string, signal?: AbortSignal): Promise<string> {
    const sealed = this.#sealed.get(name)
    if (sealed === undefined) throw new Error(`BUG: ${this.#path(name)} is no file of its day`)
    const known = this.#of(name)
    try {
      const why = await this.#look(join(this.#folder.path, name), sealed, signal)
      known.failedMs = undefined
      known.againMs = undefined
      return why
    } catch (error) {
      signal?.throwIfAborted()
      if (this.#isLost(known, error)) return 'the disk cannot read it'
      const why = error instanceof Error ? error.message : String(error)
      throw unavailable(`read ${this.#path(name)} of the archive now: ${why}; try again later`, error)
    }
  }

  /** Whether the disk has lost a file, as far as that can be told now. */
  #isLost(known: Known, error: unknown): boolean {
    if (!(error instanceof Error && 'code' in error && error.code === 'EIO')) return false
    if (this.#cache !== undefined) return true
    const now = performance.now()
    known.failedMs ??= now
    if (now - known.failedMs < PERSISTS_MS) return false
    known.againMs = now + AGAIN_MS
    return true
  }

  /** Whether there is another file in the place of a damaged one. */
  async #fetchAnew(name: string, signal?: AbortSignal): Promise<boolean> {
    if (this.#cache === undefined) return false
    const path = this.#path(name)
    if (!isLinesName(name)) return this.#cache.fetchAnew(path, signal)
    // Whoever asks has the file on a lease, and has the new one so, too.
    this.#cache.drop(path)
    const lease = new Lease(signal)
    await this.take(name, lease)
    lease.release()
    return true
  }

  /** Notes what was found out about a file, and says so once. @param why it is damaged; '' when it is not */
  #judge(name: string, why: string): boolean {
    const known = this.#of(name)
    const wasDamaged = known.isDamaged
    known.isDamaged = why !== ''
    known.sound = Promise.resolve(why === '')
    const file = this.#path(name)
    const lost = LOST[name] ?? 'its lines are left out, all others serve'
    if (why !== '' && !wasDamaged) this.#log.error({ file }, `a file of the archive is damaged, ${why}: ${lost}`)
    if (why === '' && wasDamaged) this.#log.info({ file }, 'a file of the archive is what it should be again')
    return why === ''
  }

  #of(name: string): Known {
    const known = this.#known.get(name) ?? {}
    this.#known.set(name, known)
    return known
  }

  #path(name: string): string {
    return `${folderName(this.#folder.manifest)}/${name}`
  }
}
