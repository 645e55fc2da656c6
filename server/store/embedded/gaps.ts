import type { Gap } from '../../../shared/gap.ts'
import { type GapRange, GapTable, gapKey } from '../gap-table.ts'
import { gapOf, gapText } from '../gap-text.ts'
import { unavailable } from '../unavailable.ts'
import type { Catalog } from './catalog.ts'
import { messageOf } from './failure.ts'
import { Serial } from './serial.ts'

/** The gaps of an embedded store: in the catalog, and all of them in memory, as there are few and every answer asks for them. */
export class Gaps {
  readonly #catalog: Catalog
  readonly #table: GapTable
  readonly #serial = new Serial()

  private constructor(catalog: Catalog, max: number | undefined) {
    this.#catalog = catalog
    this.#table = new GapTable(max)
  }

  /** Reads those that are kept. */
  static async open(catalog: Catalog, max?: number): Promise<Gaps> {
    const gaps = new Gaps(catalog, max)
    gaps.#table.put((await catalog.gaps()).map(gapOf))
    return gaps
  }

  /** Resolves when they are durable. Throws SWARMLOGS_STORE_UNAVAILABLE. */
  async append(gaps: readonly Gap[]): Promise<void> {
    if (gaps.length === 0) return
    await this.#serial.run(async () => {
      const { written, removed } = this.#table.put(gaps)
      await this.#write(written, removed)
    })
  }

  in(range: GapRange): readonly Gap[] {
    return this.#table.in(range)
  }

  /** Forgets those that end before what is kept of their stream, as the lines around them. */
  async expire(keptSince: (gap: Gap) => bigint): Promise<void> {
    await this.#serial.run(async () => {
      const ended = this.#table.endedBefore(keptSince)
      if (ended.length === 0) return
      this.#table.remove(ended)
      await this.#write([], ended)
    })
  }

  async #write(written: readonly Gap[], removed: readonly string[]): Promise<void> {
    const rows = written.map((gap) => ({ key: gapKey(gap), text: gapText(gap) }))
    await this.#catalog.writeGaps(rows, removed).catch((error: unknown) => {
      // What is in memory only is told again by who is not acked, and then written.
      throw unavailable(`store gaps: ${messageOf(error)}`, error)
    })
  }
}
