import type { LogRecord } from '../../../shared/record.ts'
import { mustBeOfToday } from '../../archive/absent.ts'
import type { Archive } from '../../archive/archive.ts'
import type { ArchiveClaim } from '../../archive/folder.ts'
import type { Appended } from '../store.ts'
import type { ArchiveTier } from '../tiered/archive-tier.ts'
import { TieredStore } from '../tiered/store.ts'
import { closeArchived } from './close-archived.ts'
import { messageOf } from './failure.ts'
import type { ElasticOptions } from './options.ts'
import { openParts, type Parts } from './parts.ts'
import { Sealing } from './sealing.ts'
import { readUuids } from './sizes.ts'
import { ElasticStore } from './store.ts'

export { chunkName } from './rows.ts'

/** How often it is looked for an archive that could not be found. */
const LOOK_MS = 60_000

/** A store in Elasticsearch of which old days are in an archive of this server. */
export class ArchivedElasticStore extends TieredStore {
  readonly archive: Archive
  readonly #parts: Parts
  readonly #tier: ArchiveTier
  readonly #sealing: Sealing | undefined
  readonly #timer: NodeJS.Timeout
  #finding: Promise<void> | undefined

  private constructor(parts: Parts, tier: ArchiveTier, afterMs: number | undefined) {
    super(new ElasticStore(parts), tier)
    this.archive = tier.control
    this.#parts = parts
    this.#tier = tier
    if (afterMs !== undefined) this.#sealing = new Sealing({ parts, tier, store: this, afterMs })
    this.#timer = setInterval(() => void this.findArchive(), LOOK_MS)
    this.#timer.unref()
  }

  /** Opens both. Days are only archived when `afterMs` says when. Throws as openElasticStore does. */
  static async open(
    options: ElasticOptions,
    openTier: (claim: ArchiveClaim) => Promise<ArchiveTier>,
    afterMs?: number,
  ): Promise<ArchivedElasticStore> {
    const opened: ArchiveTier[] = []
    const openArchive = async (claim: ArchiveClaim): Promise<ArchiveTier> => {
      const tier = await openTier(claim)
      opened.push(tier)
      return tier
    }
    try {
      const parts = await openParts({ ...options, openArchive })
      const [tier] = opened
      if (tier === undefined) throw new Error('BUG: the archive was not opened')
      if (tier.sealed.length > 0) await tier.hold()
      return new ArchivedElasticStore(parts, tier, afterMs)
    } catch (error) {
      for (const tier of opened) await tier.close()
      throw error
    }
  }

  override async append(records: readonly LogRecord[]): Promise<Appended> {
    if (this.#tier.absent !== '') mustBeOfToday(records, this.#tier.absent)
    return super.append(records)
  }

  /** Archives the days that are due; runs by itself every minute. Resolves when none is left. */
  async runSealing(nowMs: number = Date.now()): Promise<void> {
    await this.#sealing?.run(nowMs)
  }

  /** Has the archive serve that could not be found when the store was opened; looks by itself every minute. */
  async findArchive(): Promise<void> {
    if (this.#tier.absent === '') return
    this.#finding ??= this.#find()
      .catch((error: unknown) => {
        this.#parts.options.log.error({ reason: messageOf(error) }, 'the archive cannot be used')
      })
      .finally(() => {
        this.#finding = undefined
      })
    await this.#finding
  }

  override async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#finding
    await this.#sealing?.stop()
    await super.close()
  }

  async #find(): Promise<void> {
    const { counts, claim, options } = this.#parts
    const serve = await this.#tier.find()
    if (serve === undefined) return
    const uuids = await readUuids(this.#parts)
    claim.open()
    void this.swap(() => {
      serve()
      for (const index of closeArchived(this.#parts, this.#tier, uuids)) counts.forget(index)
    })
    options.log.info('the archive was found: its days serve')
  }
}
