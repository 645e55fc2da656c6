import { SwarmlogsError } from '../../../shared/errors.ts'
import type { ArchiveClaim, HeldArchive } from '../../archive/folder.ts'
import { unavailable } from '../unavailable.ts'
import { type Notes, noteId } from './notes.ts'

const ARCHIVE = 'archive'
const HOLDER = 'archive-holder'

/** Which archive has days of this store, and who works on it: without it a server would answer as if their lines had never come. */
export class Claim implements ArchiveClaim {
  readonly #notes: Notes
  readonly #isGuest: boolean
  /** What this server has. */
  #own: HeldArchive | undefined
  #noted: Partial<HeldArchive> = {}
  #isAbsent = false
  #isTakenOver = false

  /** @param isGuest reads beside the server that works on it */
  constructor(notes: Notes, isGuest = false) {
    this.#notes = notes
    this.#isGuest = isGuest
  }

  /** Whether days of the store are in any archive. */
  get isNoted(): boolean {
    return this.#noted.id !== undefined
  }

  /** Whether another one worked on it until this server did. */
  get isTakenOver(): boolean {
    return this.#isTakenOver
  }

  /** @param absent why this server's archive could not be found yet. Throws SWARMLOGS_CONFIG when days are in another one. */
  open(absent = ''): void {
    this.#isAbsent = absent !== ''
    if (this.#isOurs) return
    throw new SwarmlogsError(
      'SWARMLOGS_CONFIG',
      `cannot open the store: days of it are archived, and not in the archive of this server: only one server can have it; start that one, or mount its folder here and name it by --archive-dir (or its storage by --archive-s3). Where it is lost for good, write ${this.#noted.id} to a file 'id' in the folder`,
    )
  }

  /** Reads whose the archive is, as another server may have begun to archive. */
  async look(): Promise<void> {
    const [id, holder] = await this.#notes.readAll([ARCHIVE, HOLDER].map((name) => noteId('identity', name)))
    this.#noted = { ...(id !== undefined && { id }), ...(holder !== undefined && { holder }) }
  }

  async holds(folder: HeldArchive): Promise<boolean> {
    this.#own = folder
    await this.look()
    this.#mustBeOurArchive()
    return this.#noted.holder === folder.holder
  }

  async take(folder: HeldArchive): Promise<boolean> {
    this.#own = folder
    if (!this.#isGuest) await this.#notes.create('identity', ARCHIVE, folder.id)
    await this.look()
    this.#mustBeOurArchive()
    const before = this.#noted.holder
    if (!this.#isGuest) await this.#notes.write('identity', HOLDER, folder.holder)
    await this.look()
    this.#isTakenOver ||= before !== undefined
    return before !== undefined
  }

  /** Why this server cannot answer, or ''. */
  get reason(): string {
    return this.#isOurs ? '' : 'another server archives the days of this store, and only that one can read them'
  }

  /** Throws SWARMLOGS_STORE_UNAVAILABLE when another server has the archive. */
  check(): void {
    if (!this.#isOurs) throw unavailable(`search: ${this.reason}; ask that one, and stop this one`)
  }

  #mustBeOurArchive(): void {
    if (this.#noted.id === undefined || this.#noted.id === this.#own?.id) return
    this.open()
  }

  get #isOurs(): boolean {
    const { id, holder } = this.#noted
    if (id === undefined || this.#isAbsent) return true
    return id === this.#own?.id && (this.#isGuest || holder === undefined || holder === this.#own.holder)
  }
}
