import type { LogRecord } from '../../../shared/record.ts'
import { type Appended, PartlyStored, type Store } from '../store.ts'
import type { ArchiveReader } from './archive-reader.ts'
import { Known } from './known.ts'

/** Appends to the hot store what the archive does not have. */
export class Appending {
  readonly #hot: Store
  readonly #known: Known
  /** Those that must be held against the archive take turns: groups of equal times may go over several. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(hot: Store, archive: ArchiveReader) {
    this.#hot = hot
    this.#known = new Known(archive)
  }

  async append(records: readonly LogRecord[]): Promise<Appended> {
    const candidates = records.filter((record) => this.#known.isCandidate(record))
    if (candidates.length === 0) return this.#hot.append(records)
    const done = this.#last.then(() => this.#appendLate(records, candidates))
    this.#last = done.catch(() => undefined)
    return done
  }

  /** Resolves when nothing waits for the archive any more. */
  async ended(): Promise<void> {
    await this.#last
  }

  async #appendLate(records: readonly LogRecord[], candidates: readonly LogRecord[]): Promise<Appended> {
    const rest = await this.#known.without(records, candidates)
    const known = records.length - rest.length
    try {
      return withKnown(await this.#hot.append(rest), known)
    } catch (error) {
      if (!(error instanceof PartlyStored)) throw error
      throw new PartlyStored(error.message, withKnown(error.appended, known), error.cause)
    }
  }
}

function withKnown(appended: Appended, known: number): Appended {
  return { ...appended, duplicates: appended.duplicates + known }
}
