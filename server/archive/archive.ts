import type { Readable } from 'node:stream'
import type { Hold } from './folder.ts'
import type { DayManifest } from './manifest.ts'

/** An archived day, as `archive ls` tells of it. */
export interface ArchivedDay {
  readonly manifest: DayManifest
  /** Bytes of all its files. */
  readonly bytes: number
  readonly hold: Hold | undefined
  /** Names of files that proved damaged, as far as was looked. */
  readonly damaged: readonly string[]
}

/** A file that was looked at; `why` is '' for one that is what was sealed. */
export interface Verified {
  readonly name: string
  readonly bytes: number
  readonly why: string
}

/** What a store has archived. Days are UTC days, 2026-11-21; all throw SWARMLOGS_USAGE for one that is not archived. */
export interface Archive {
  /** As messages name it. */
  readonly place: string
  /** Manifests that are damaged, 2026-11-19.1/manifest.json: where its copy is too, the day is left out. */
  readonly damaged: readonly string[]
  /** Days on hold, archived or not, by day. */
  holds(): Promise<readonly Hold[]>
  /** Oldest first. */
  list(): Promise<readonly ArchivedDay[]>
  /** Reads all files of a day and holds them against its manifest. */
  verify(day: string, signal?: AbortSignal): AsyncIterable<Verified>
  /** A file of a day, as the manifest names it, or the manifest. */
  read(day: string, name: string): Promise<Readable>
  /** Deletes a day. Throws SWARMLOGS_USAGE when it is on hold. */
  remove(day: string): Promise<void>
  /** Puts days on hold, archived or not yet: no retention deletes them from the archive. */
  keep(days: readonly string[], reason: string): Promise<void>
  /** Lets retention have them again. */
  release(days: readonly string[]): Promise<void>
}
