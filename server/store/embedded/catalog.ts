import { randomBytes, randomUUID } from 'node:crypto'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Logger } from 'pino'
import { type Opening, parseOpenings, printOpenings, withOpening } from '../../../shared/forward/lineage.ts'
import { greater } from '../bigint.ts'
import type { StoreIdentity } from '../store.ts'
import { attach, attachWhenFree, rows } from './attach.ts'
import { failureOf } from './failure.ts'
import type { Folder } from './folder.ts'
import { FORMAT, quoteText, STORAGE_VERSION } from './schema.ts'
import { Serial } from './serial.ts'

const ROWS_AT_ONCE = 500
/** Names of values that are kept beside `meta`, where a server that does not know them leaves them alone. */
const [OPENINGS, RECEIVED, REPLACED] = ['openings', 'received', 'replaced']

/** A segment that another one is put in the place of, and its newest commit. */
interface Replacement {
  readonly name: string
  readonly by: string
  readonly received: string
}

/** What is kept of the store as a whole, in `catalog.duckdb`: format, identity, names of the segments, named values. Holding it open is the lock. */
export class Catalog {
  #identity: StoreIdentity
  #segments: Set<string>
  /** Those that are written. */
  #openings: readonly Opening[] = []
  /** This one, which may not be written yet. */
  #opening: Opening | undefined
  #isOpeningWanted = false
  /** Commits of segments that are gone came up to this. */
  #received = 0n
  readonly #connection: DuckDBConnection
  readonly #folder: Folder
  readonly #serial = new Serial()

  private constructor(connection: DuckDBConnection, folder: Folder, identity: StoreIdentity, segments: Set<string>) {
    this.#connection = connection
    this.#folder = folder
    this.#identity = identity
    this.#segments = segments
  }

  /**
   * Opens or makes the catalog. Throws SWARMLOGS_LOCKED when another process keeps it over `lockWaitMs`, SWARMLOGS_STORE_NEWER when it
   * is of a newer server; a damaged one is set aside and made anew, with a new identity.
   */
  static async open(connection: DuckDBConnection, folder: Folder, lockWaitMs: number, log: Logger): Promise<Catalog> {
    await attachWhenFree(connection, folder, lockWaitMs, log)
    await connection.run('CREATE TABLE IF NOT EXISTS catalog.meta(name VARCHAR, value VARCHAR)')
    await connection.run('CREATE TABLE IF NOT EXISTS catalog.saved(name VARCHAR, value VARCHAR)')
    await connection.run('CREATE TABLE IF NOT EXISTS catalog.gaps(name VARCHAR, value VARCHAR)')
    const meta = new Map<string, string>()
    for (const [name, value] of await rows(connection, 'SELECT name, value FROM catalog.meta')) meta.set(name, value)
    const identity = { id: meta.get('id') ?? randomUUID(), epoch: Number(meta.get('epoch') ?? 0) }
    const catalog = new Catalog(connection, folder, identity, new Set(JSON.parse(meta.get('segments') ?? '[]')))
    await catalog.#loadCommits(meta)
    // What this server writes an older one must not touch.
    if (!meta.has('id') || meta.get('format') !== String(FORMAT)) await catalog.#write()
    return catalog
  }

  get identity(): StoreIdentity {
    return this.#identity
  }

  /** Names of the segments that should be there. */
  get segments(): ReadonlySet<string> {
    return this.#segments
  }

  async addSegment(name: string): Promise<void> {
    this.#segments.add(name)
    await this.#write()
  }

  async removeSegment(name: string, received = 0n): Promise<void> {
    this.#segments.delete(name)
    this.#received = greater(this.#received, received)
    await this.#write()
  }

  /** Commits came up to this, though no segment may have any of it. */
  get received(): bigint {
    return this.#received
  }

  /** When the store was opened; none as long as this time is not noted. */
  get openings(): readonly Opening[] {
    return this.#isOpeningNoted ? this.#openings : []
  }

  /** The store is opened, with commits up to `from`; `again`: it was, and only its engine is new. Nothing is written yet. */
  begin(from: bigint, again?: Opening): Opening {
    this.#opening = again ?? { id: randomBytes(4).toString('hex'), from }
    return this.#opening
  }

  /** Notes that the store is opened, before its first commit or before an agent is told of it: starts that fail leave no trace. */
  async noteOpening(): Promise<void> {
    if (this.#isOpeningNoted) return
    this.#isOpeningWanted = true
    await this.#write()
  }

  /** Says that acked data was lost: agents then send again what Docker still holds. */
  async countLoss(): Promise<void> {
    this.#identity = { id: this.#identity.id, epoch: this.#identity.epoch + 1 }
    await this.#write()
  }

  /** Segments that others were put in the place of, as far as their files may still be there. */
  async replaced(): Promise<readonly Replacement[]> {
    return JSON.parse((await this.load(REPLACED)) ?? '[]')
  }

  /** Notes it before it is done. */
  async noteReplacement(replacement: Replacement): Promise<void> {
    await this.save(REPLACED, JSON.stringify([...(await this.replaced()), replacement]))
  }

  /** Forgets the one of a segment of this name, and one by it: another file may have the name from now on. */
  async forgetReplacement(name: string): Promise<void> {
    const known = await this.replaced()
    const others = known.filter((one) => one.name !== name && one.by !== name)
    if (others.length < known.length) await this.save(REPLACED, JSON.stringify(others))
  }

  async save(name: string, value: string): Promise<void> {
    await this.#transaction(() => this.#put(name, value))
  }

  async load(name: string): Promise<string | undefined> {
    const result = await this.#serial.run(() =>
      this.#connection.run('SELECT value FROM catalog.saved WHERE name = $1', [name]),
    )
    const value = (await result.getRows())[0]?.[0]
    return value === undefined ? undefined : JSON.parse(String(value))
  }

  /** The gaps that `writeGaps` wrote. */
  async gaps(): Promise<readonly string[]> {
    const kept = await this.#serial.run(() => rows(this.#connection, 'SELECT name, value FROM catalog.gaps'))
    return kept.map(([, value]) => JSON.parse(value))
  }

  /** Writes gaps by key, each in place of what had its key, and forgets others. */
  async writeGaps(written: readonly { key: string; text: string }[], removed: readonly string[]): Promise<void> {
    const names = (keys: readonly string[]): string => keys.map((key) => quoteText(JSON.stringify(key))).join(', ')
    await this.#transaction(async () => {
      for (const keys of slices([...written.map(({ key }) => key), ...removed]))
        await this.#connection.run(`DELETE FROM catalog.gaps WHERE name IN (${names(keys)})`)
      for (const part of slices(written)) {
        const values = part.map(
          ({ key, text }) => `(${[key, text].map((one) => quoteText(JSON.stringify(one))).join(', ')})`,
        )
        await this.#connection.run(`INSERT INTO catalog.gaps VALUES ${values.join(', ')}`)
      }
    })
  }

  /** Writes all of it to a new file, as it is at one moment. */
  async copyTo(path: string): Promise<void> {
    await this.#serial.run(async () => {
      await this.#connection.run('DETACH DATABASE IF EXISTS catalog_copy')
      await this.#connection.run(`ATTACH ${quoteText(path)} AS catalog_copy (STORAGE_VERSION '${STORAGE_VERSION}')`)
      try {
        await this.#connection.run('COPY FROM DATABASE catalog TO catalog_copy')
        await this.#connection.run('CHECKPOINT catalog_copy')
      } finally {
        await this.#connection.run('DETACH catalog_copy')
      }
    })
  }

  async #write(): Promise<void> {
    const meta = {
      format: String(FORMAT),
      id: this.#identity.id,
      epoch: String(this.#identity.epoch),
      segments: JSON.stringify([...this.#segments].sort()),
    }
    const openings = this.#wantedOpenings()
    const values = Object.entries(meta).map((pair) => `(${pair.map(quoteText).join(', ')})`)
    await this.#transaction(async () => {
      await this.#connection.run('DELETE FROM catalog.meta')
      await this.#connection.run(`INSERT INTO catalog.meta VALUES ${values.join(', ')}`)
      await this.#put(OPENINGS, printOpenings(openings))
      await this.#put(RECEIVED, String(this.#received))
    })
    this.#openings = openings
  }

  get #isOpeningNoted(): boolean {
    return this.#opening !== undefined && this.#openings.at(-1)?.id === this.#opening.id
  }

  #wantedOpenings(): readonly Opening[] {
    if (this.#opening === undefined || !this.#isOpeningWanted || this.#isOpeningNoted) return this.#openings
    return withOpening(this.#openings, this.#opening)
  }

  /** Reads the openings and up to where commits came; an earlier server kept both in `meta`, and may have gone on there since. */
  async #loadCommits(meta: ReadonlyMap<string, string>): Promise<void> {
    const saved = parseOpenings((await this.load(OPENINGS)) ?? '') ?? []
    const isNew = ({ id }: Opening): boolean => !saved.some((one) => one.id === id)
    const others = parseOpenings(meta.get(OPENINGS) ?? '')?.filter(isNew) ?? []
    this.#openings = others.reduce(withOpening, saved)
    this.#received = greater(BigInt((await this.load(RECEIVED)) ?? 0), BigInt(meta.get(RECEIVED) ?? 0))
  }

  async #put(name: string, value: string): Promise<void> {
    await this.#connection.run('DELETE FROM catalog.saved WHERE name = $1', [name])
    // Values are written as JSON, so that whatever characters they hold come back as they were.
    await this.#connection.run('INSERT INTO catalog.saved VALUES ($1, $2)', [name, JSON.stringify(value)])
  }

  async #transaction(work: () => Promise<void>): Promise<void> {
    await this.#serial.run(async () => {
      try {
        await this.#attempt(work)
      } catch (error) {
        if (failureOf(error) !== 'invalidated') throw error
        await this.#connection.run('DETACH catalog')
        await attach(this.#connection, this.#folder)
        await this.#attempt(work)
      }
    })
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    await this.#connection.run('BEGIN')
    try {
      await work()
      await this.#connection.run('COMMIT')
    } catch (error) {
      // A COMMIT that failed has ended the transaction already; the error that counts is the first.
      await this.#connection.run('ROLLBACK').catch(() => undefined)
      throw error
    }
  }
}

/** Statements of bounded length. */
function* slices<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += ROWS_AT_ONCE) yield items.slice(at, at + ROWS_AT_ONCE)
}
