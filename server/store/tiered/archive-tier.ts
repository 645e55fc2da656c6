import type { StoredRecord } from '../../../shared/record.ts'
import type { Archive } from '../../archive/archive.ts'
import type { ArchiveReader } from './archive-reader.ts'

/** What is known of an archived day. */
export interface TierDay {
  /** UTC day, 2026-11-21. */
  readonly day: string
  /** Counts up each time that the day is sealed, from 1. */
  readonly generation: number
  readonly lines: number
  /** What it takes the place of in the hot store. */
  readonly replaces: readonly string[]
}

/** A day that is to be archived. */
export interface DayToSeal extends Omit<TierDay, 'lines'> {
  /** The store that the lines are of, and the newest commit that they were read up to, as decimal text. */
  readonly store: { readonly id: string; readonly received: string }
  /** As JSON texts, see gap-text.ts. */
  readonly gaps: readonly string[]
  /** All its lines, in order. */
  readonly lines: AsyncIterable<readonly StoredRecord[]>
  /** How many these must be. */
  readonly expected: number
  /** Complete when the lines were read: the chunks of foreign senders with lines among them, as the store names them, and the last index of each. */
  readonly chunks: ReadonlyMap<string, number>
  readonly signal: AbortSignal
}

/** An archive that days are put into. */
export interface ArchiveTier extends ArchiveReader {
  /** What people may do with it. */
  readonly control: Archive
  /** Why lines of past days may be missing: it could not be found yet. '' when none are. */
  readonly absent: string
  /** Looks again for what is absent; answers what has it serve (and must be called at once), undefined when it cannot be found now. */
  find(): Promise<(() => void) | undefined>
  /** Has it be the archive of the store, as far as it is that. Throws SWARMLOGS_CONFIG when there is another one. */
  hold(): Promise<void>
  /** Oldest first. */
  readonly sealed: readonly TierDay[]
  /** Writes a day; when it resolves the day is there, also after a power cut, but is not read yet. Throws when it has not as many lines as expected. */
  seal(day: DayToSeal): Promise<TierDay>
  /** Reads this generation of a day from now on, in place of the one before. Must not wait. */
  serve(day: TierDay): void
  /** Deletes the days that are too old or too much, unless they are on hold. */
  expire(now: bigint): Promise<void>
}
