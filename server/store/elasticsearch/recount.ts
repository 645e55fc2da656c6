import { countLines, noteCounts, notedCounts } from './count-lines.ts'
import type { Counts } from './counts.ts'
import type { Freshness } from './freshness.ts'
import type { Indices } from './indices.ts'
import type { Names } from './names.ts'
import type { Notes } from './notes.ts'
import type { Requests } from './requests.ts'
import type { IndexSize } from './sizes.ts'

/** Counting anew an index that others write to takes so much of the time at most: one part in so many. */
const COUNT_SHARE = 50
/** For so long after a loss there is no such bound: lines come again, and some are counted before their index is. */
const HURRY_MS = 120_000

/** What it takes to count. */
export interface RecountParts {
  readonly requests: Requests
  readonly notes: Notes
  readonly names: Names
  readonly indices: Indices
  readonly counts: Counts
  readonly freshness: Freshness
}

/** Brings the counts up to date with what was written before this start, and with what other servers write. */
export class Recount {
  readonly #parts: RecountParts
  #againAtMs = 0
  #hurriesUntilMs = 0

  constructor(parts: RecountParts) {
    this.#parts = parts
  }

  /** Counts everything at the start, or recalls what was noted of it. */
  async load(sizes: ReadonlyMap<string, IndexSize>, received: bigint): Promise<void> {
    const { requests, notes, counts } = this.#parts
    for (const [index, { records }] of this.#lines(sizes)) {
      counts.begin(index)
      counts.replace(index, (await notedCounts(notes, index, records)) ?? (await countLines(requests, index, received)))
    }
    counts.changed.clear()
  }

  /** Counts anew the indices that have more lines than we know of: other servers wrote them. */
  async others(sizes: ReadonlyMap<string, IndexSize>, received: bigint): Promise<void> {
    const { requests, counts, freshness } = this.#parts
    if (Date.now() < this.#againAtMs && Date.now() > this.#hurriesUntilMs) return
    const startMs = Date.now()
    for (const [index, { records }] of this.#lines(sizes)) {
      if (records <= counts.records(index)) continue
      await freshness.see([index])
      counts.begin(index)
      counts.replace(index, await countLines(requests, index, received))
    }
    this.#againAtMs = Date.now() + (Date.now() - startMs) * COUNT_SHARE
  }

  /** Days were lost, and their counts with them: they are not to wait for a count that took long. */
  hurry(): void {
    this.#hurriesUntilMs = Date.now() + HURRY_MS
  }

  /** Notes counts that changed, so that the next start finds them. */
  async note(): Promise<void> {
    const { counts, notes } = this.#parts
    for (const index of [...counts.changed]) {
      const own = counts.of(index)
      counts.changed.delete(index)
      if (own !== undefined) await noteCounts(notes, index, own)
    }
  }

  #lines(sizes: ReadonlyMap<string, IndexSize>): [string, IndexSize][] {
    const { names, indices } = this.#parts
    return [...sizes].filter(([index]) => names.parse(index)?.kind !== 'dead' && !indices.isHidden(index))
  }
}
