import type { Archive } from '../../archive/archive.ts'
import type { ArchiveTier } from '../tiered/archive-tier.ts'
import { TieredStore } from '../tiered/store.ts'
import type { ElasticOptions } from './options.ts'
import { openParts } from './parts.ts'
import { Sealing } from './sealing.ts'
import { ElasticStore } from './store.ts'

export { chunkName } from './rows.ts'

/** A store in Elasticsearch of which old days are in an archive of this server. */
export class ArchivedElasticStore extends TieredStore {
  readonly archive: Archive
  readonly #sealing: Sealing | undefined

  private constructor(hot: ElasticStore, tier: ArchiveTier, sealing: (store: TieredStore) => Sealing | undefined) {
    super(hot, tier)
    this.archive = tier.control
    this.#sealing = sealing(this)
  }

  /** Opens both. Days are only archived when `afterMs` says when. Throws as openElasticStore does. */
  static async open(options: ElasticOptions, tier: ArchiveTier, afterMs?: number): Promise<ArchivedElasticStore> {
    const id = await tier.id()
    const parts = await openParts({ ...options, archive: { id, days: tier.sealed } })
    if (id !== undefined && tier.sealed.length > 0) await parts.claim.take(id)
    return new ArchivedElasticStore(new ElasticStore(parts), tier, (store) =>
      afterMs === undefined ? undefined : new Sealing({ parts, tier, store, afterMs }),
    )
  }

  /** Archives the days that are due; runs by itself every minute. Resolves when none is left. */
  async runSealing(nowMs: number = Date.now()): Promise<void> {
    await this.#sealing?.run(nowMs)
  }

  override async close(): Promise<void> {
    await this.#sealing?.stop()
    await super.close()
  }
}
