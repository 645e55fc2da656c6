import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Logger } from 'pino'
import { syncPath } from '../../sync-path.ts'
import { newer } from './attach.ts'
import type { Catalog } from './catalog.ts'
import type { Engine } from './engine.ts'
import { failureOf, messageOf } from './failure.ts'
import { databaseBytes, exists, type Folder, GRAMS, removeDatabase, UNFINISHED } from './folder.ts'
import { mendWal } from './mend.ts'
import { ATTACH_OPTIONS, CREATE_OPTIONS, quoteName, quoteText, SEGMENT_TABLES } from './schema.ts'
import { Segment } from './segment.ts'
import type { Streams } from './streams.ts'

/** Searches that read a segment when it is detached let go of it soon: they read in slices, and nap. */
const MAX_HELD_MS = 10_000
const HELD_POLL_MS = 10

/** What the files need of the store. */
export interface SegmentFilesOptions {
  readonly engine: Engine
  readonly folder: Folder
  readonly catalog: Catalog
  readonly streams: Streams
  readonly log: Logger
  /** Called when what is stored has changed other than by an append. */
  readonly onLoss: () => void
}

/** The segments' database files: made, attached, detached, set aside, deleted. Must be called within the store's serial work. */
export class SegmentFiles {
  readonly #options: SegmentFilesOptions
  #damaged: readonly string[] = []

  constructor(options: SegmentFilesOptions) {
    this.#options = options
  }

  get #connection(): DuckDBConnection {
    return this.#options.engine.writer
  }

  /** Names of what was set aside, as of the last look. */
  get damaged(): readonly string[] {
    return this.#damaged
  }

  /** Names of the segments in the folder; deletes what a crash left of unfinished ones. */
  async names(): Promise<string[]> {
    const { folder } = this.#options
    const files = await readdir(folder.segments)
    for (const file of files.filter((name) => name.includes(UNFINISHED))) await rm(join(folder.segments, file))
    for (const file of files.filter((name) => name.endsWith(GRAMS)))
      if (!files.includes(file.slice(0, -GRAMS.length))) await rm(join(folder.segments, file))
    return files.filter((file) => file.endsWith('.duckdb')).map((file) => file.slice(0, -'.duckdb'.length))
  }

  /** Looks at what was set aside. */
  async seeDamaged(): Promise<void> {
    this.#damaged = await this.#options.folder.damagedNames()
  }

  /** Makes the file of a new segment, and attaches it. */
  async create(segment: Segment): Promise<void> {
    const connection = this.#connection
    // Under another name until it is whole: a kill in between must not leave what looks like a damaged segment.
    const unfinished = segment.path + UNFINISHED
    await connection.run('DETACH DATABASE IF EXISTS unfinished')
    await removeDatabase(unfinished)
    await connection.run(`ATTACH ${quoteText(unfinished)} AS unfinished (${CREATE_OPTIONS})`)
    try {
      for (const table of SEGMENT_TABLES) await connection.run(`CREATE TABLE unfinished.${table}`)
      await connection.run('CHECKPOINT unfinished')
    } finally {
      await connection.run('DETACH unfinished')
    }
    await rename(unfinished, segment.path)
    await syncPath(this.#options.folder.segments)
    await connection.run(`ATTACH ${quoteText(segment.path)} AS ${segment.database} (${ATTACH_OPTIONS})`)
  }

  /** False when it was damaged and so set aside. Throws SWARMLOGS_STORE_NEWER. */
  async attach(segment: Segment): Promise<boolean> {
    const { folder, log } = this.#options
    // Rows may be fewer than they were.
    segment.grams.forget()
    if (await mendWal(segment, folder, log)) await this.#countLoss()
    try {
      await this.#attachAs(segment)
      await segment.load(this.#connection, this.#options.streams)
      return true
    } catch (error) {
      const failure = failureOf(error)
      if (failure === 'newer') throw newer(folder, `segment ${segment.name}`, error)
      if (failure !== 'damaged' && !(failure === 'other' && isIncomplete(error))) throw error
      await this.setAside(segment, error)
      return false
    }
  }

  async detach(segment: Segment): Promise<void> {
    try {
      await this.#connection.run(`DETACH DATABASE IF EXISTS ${segment.database}`)
    } catch (error) {
      // It writes what it still can, and is detached even so.
      if (!messageOf(error).includes('Detached database')) throw error
    }
  }

  /** Keeps a damaged segment's file in `damaged`. */
  async setAside(segment: Segment, cause: unknown): Promise<void> {
    const { folder, catalog, log } = this.#options
    await this.detach(segment)
    const name = await folder.setAside(segment.path)
    await catalog.removeSegment(segment.name)
    await this.#countLoss()
    log.error({ segment: segment.name, damaged: name, err: cause }, 'segment is damaged: set aside, all others serve')
  }

  async remove(segment: Segment): Promise<void> {
    await this.detach(segment)
    await removeDatabase(segment.path)
  }

  /** Brings the file's size up to date. */
  async measure(segment: Segment): Promise<void> {
    if (segment.archived === undefined) segment.bytes = await databaseBytes(segment.path)
  }

  /**
   * Attaches a file that has so many lines of a segment as another one, that is to take its place; from the renaming on it counts, also
   * after a crash. Leaves nothing of it when it throws.
   */
  async replacement(segment: Segment, number: number, unfinished: string, records: number): Promise<Segment> {
    const { folder, catalog } = this.#options
    const fresh = new Segment(folder.segments, `${segment.partition}.${number}`)
    await catalog.noteReplacement({ name: segment.name, by: fresh.name, received: String(segment.received) })
    try {
      await rename(unfinished, fresh.path)
      await syncPath(folder.segments)
      if (!(await this.attach(fresh)) || fresh.records !== records) throw new Error(`${fresh.name} is not whole`)
      await this.measure(fresh)
      return fresh
    } catch (error) {
      await this.detach(fresh).catch(messageOf)
      await removeDatabase(fresh.path)
      await catalog.forgetReplacement(segment.name)
      throw error
    }
  }

  /** Sees to replacements that a crash has cut off. */
  async finishReplacements(): Promise<void> {
    const { folder, catalog } = this.#options
    for (const { name, by, received } of await catalog.replaced()) {
      if (await exists(join(folder.segments, `${by}.duckdb`))) {
        await removeDatabase(join(folder.segments, `${name}.duckdb`))
        await catalog.removeSegment(name, BigInt(received))
      }
      await catalog.forgetReplacement(name)
    }
  }

  async #attachAs(segment: Segment): Promise<void> {
    const attach = `ATTACH ${quoteText(segment.path)} AS ${quoteName(segment.name)}`
    segment.isReadOnly = false
    try {
      await this.#whenFree(`${attach} (${ATTACH_OPTIONS})`)
    } catch (error) {
      if (!['other', 'memory'].includes(failureOf(error))) throw error
      // Attaching writes when there is a WAL to take in; reading must go on where that is impossible.
      await this.#whenFree(`${attach} (READ_ONLY)`)
      segment.isReadOnly = true
    }
  }

  async #whenFree(attach: string): Promise<void> {
    for (const end = Date.now() + MAX_HELD_MS; ; await delay(HELD_POLL_MS)) {
      try {
        await this.#connection.run(attach)
        return
      } catch (error) {
        if (failureOf(error) !== 'held' || Date.now() > end) throw error
      }
    }
  }

  async #countLoss(): Promise<void> {
    await this.#options.catalog.countLoss()
    await this.seeDamaged()
    this.#options.onLoss()
  }
}

/** A segment without its tables is none of ours, or not whole. */
function isIncomplete(error: unknown): boolean {
  return error instanceof Error && /^(Catalog|Binder) Error/.test(error.message)
}
