import { SwarmlogsError } from '../../../shared/errors.ts'
import { unavailable } from '../unavailable.ts'
import type { Notes } from './notes.ts'

/** Which archive has days of this store: without it a server would answer as if their lines had never come. */
export class Claim {
  readonly #notes: Notes
  /** The archive that this server has. */
  #own: string | undefined
  #noted: string | undefined

  constructor(notes: Notes, own: string | undefined) {
    this.#notes = notes
    this.#own = own
  }

  /** Throws SWARMLOGS_CONFIG when days are in another archive than this server's. */
  async open(): Promise<void> {
    await this.look()
    if (this.#isOurs) return
    throw new SwarmlogsError(
      'SWARMLOGS_CONFIG',
      `cannot open the store: days of it are archived, and not in the archive of this server: only one server can have it; start that one, or mount its folder here and name it by --archive-dir. Where it is lost for good, write ${this.#noted} to a file 'id' in the folder`,
    )
  }

  /** Reads which archive it is, as another server may have begun to archive. */
  async look(): Promise<void> {
    this.#noted = await this.#notes.read('identity', 'archive')
  }

  /** Notes that days are in this server's archive from now on. Throws SWARMLOGS_CONFIG when there is another one. */
  async take(id: string): Promise<void> {
    this.#own = id
    await this.#notes.create('identity', 'archive', id)
    await this.look()
    if (this.#noted === id) return
    throw new SwarmlogsError('SWARMLOGS_CONFIG', 'cannot archive days: another server on this store does; only one can')
  }

  /** Why this server cannot answer, or ''. */
  get reason(): string {
    return this.#isOurs ? '' : 'another server archives the days of this store, and only that one can read them'
  }

  /** Throws SWARMLOGS_STORE_UNAVAILABLE when this server lacks days that another one has archived. */
  check(): void {
    if (!this.#isOurs) throw unavailable(`search: ${this.reason}; ask that one, and stop this one`)
  }

  get #isOurs(): boolean {
    return this.#noted === undefined || this.#noted === this.#own
  }
}
