import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Logger } from 'pino'
import { SwarmlogsError } from '../../../shared/errors.ts'
import { type Opening, parseOpenings, printOpenings, withOpening } from '../../../shared/forward/lineage.ts'
import { greater } from '../bigint.ts'
import type { StoreIdentity } from '../store.ts'
import { failureOf } from './failure.ts'
import type { Folder } from './folder.ts'
import { FORMAT, quoteText, STORAGE_VERSION } from './schema.ts'
import { Serial } from './serial.ts'

const RETRY_LOCK_MS = 250
const ROWS_AT_ONCE = 500

/** What is kept of the store as a whole, in `catalog.duckdb`: format, identity, names of the segments, named values. Holding it open is the lock. */
export class Catalog {
  #identity: StoreIdentity
  #segments: Set<string>
  #openings: readonly Opening[] = []
  #areOpeningsWritten = false
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
    catalog.#openings = parseOpenings(meta.get('openings') ?? '') ?? []
    catalog.#received = BigInt(meta.get('received') ?? 0)
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

  /** When the store was opened; none as long as the last time is not written. */
  get openings(): readonly Opening[] {
    return this.#areOpeningsWritten ? this.#openings : []
  }

  /** Notes that the store is opened, with commits up to `from`; where the disk is full, with what is written next. */
  async noteOpening(from: bigint, log: Logger): Promise<void> {
    this.#openings = withOpening(this.#openings, { id: randomBytes(4).toString('hex'), from })
    this.#areOpeningsWritten = false
    await this.#write().catch((error: unknown) => {
      log.warn({ err: error }, 'cannot note now that the store is opened')
    })
  }

  /** Says that acked data was lost: agents then send again what Docker still holds. */
  async countLoss(): Promise<void> {
    this.#identity = { id: this.#identity.id, epoch: this.#identity.epoch + 1 }
    await this.#write()
  }

  async save(name: string, value: string): Promise<void> {
    await this.#transaction(async () => {
      await this.#connection.run('DELETE FROM catalog.saved WHERE name = $1', [name])
      // Values are written as JSON, so that whatever characters they hold come back as they were.
      await this.#connection.run('INSERT INTO catalog.saved VALUES ($1, $2)', [name, JSON.stringify(value)])
    })
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

  async #write(): Promise<void> {
    const meta = {
      format: String(FORMAT),
      id: this.#identity.id,
      epoch: String(this.#identity.epoch),
      segments: JSON.stringify([...this.#segments].sort()),
      openings: printOpenings(this.#openings),
      received: String(this.#received),
    }
    const values = Object.entries(meta).map((pair) => `(${pair.map(quoteText).join(', ')})`)
    await this.#transaction(async () => {
      await this.#connection.run('DELETE FROM catalog.meta')
      await this.#connection.run(`INSERT INTO catalog.meta VALUES ${values.join(', ')}`)
    })
    this.#areOpeningsWritten = true
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

async function attachWhenFree(
  connection: DuckDBConnection,
  folder: Folder,
  lockWaitMs: number,
  log: Logger,
): Promise<void> {
  const deadline = Date.now() + lockWaitMs
  for (let attempt = 0; ; attempt++) {
    try {
      return await attach(connection, folder)
    } catch (error) {
      const failure = failureOf(error)
      if (failure === 'damaged') {
        log.error({ file: folder.catalog, err: error }, 'catalog is damaged: set aside, the store gets a new identity')
        await folder.setAside(folder.catalog)
      } else if (failure === 'locked' && Date.now() < deadline) {
        if (attempt === 0) log.warn({ dir: folder.root }, 'another server holds the data folder: waiting for it')
        await delay(RETRY_LOCK_MS)
      } else {
        throw refusal(failure, folder, error)
      }
    }
  }
}

async function attach(connection: DuckDBConnection, folder: Folder): Promise<void> {
  const file = quoteText(folder.catalog)
  if (!(await folder.hasCatalog())) {
    await connection.run(`ATTACH ${file} AS catalog (STORAGE_VERSION '${STORAGE_VERSION}')`)
    return
  }
  // Read-only first: what a newer server has written must stay as it is, WAL included.
  await connection.run(`ATTACH ${file} AS catalog (READ_ONLY)`)
  const format = await storedFormat(connection)
  await connection.run('DETACH catalog')
  if (format > FORMAT) throw newer(folder, `its format is ${format}, this server knows ${FORMAT}`)
  await connection.run(`ATTACH ${file} AS catalog`)
}

async function storedFormat(connection: DuckDBConnection): Promise<number> {
  const tables = await rows(connection, "SELECT table_name, '' FROM duckdb_tables() WHERE database_name = 'catalog'")
  if (!tables.some(([name]) => name === 'meta')) return FORMAT
  const stored = await rows(connection, "SELECT name, value FROM catalog.meta WHERE name = 'format'")
  return Number(stored[0]?.[1] ?? FORMAT)
}

async function rows(connection: DuckDBConnection, sql: string): Promise<(readonly [string, string])[]> {
  const result = await connection.run(sql)
  return (await result.getRows()).map(([name, value]) => [String(name), String(value)])
}

function refusal(failure: string, folder: Folder, cause: unknown): unknown {
  if (cause instanceof SwarmlogsError) return cause
  if (failure === 'newer') return newer(folder, 'its files are of a newer engine', cause)
  const text =
    failure === 'locked'
      ? `cannot open the store in '${folder.root}': another server is using it; stop that one or give this one a folder of its own`
      : `cannot open the store in '${folder.root}': its catalog cannot be opened; check the disk and its permissions`
  return new SwarmlogsError(failure === 'locked' ? 'SWARMLOGS_LOCKED' : 'SWARMLOGS_STORE_UNAVAILABLE', text, { cause })
}

/** The error for a store that a newer server has written; nothing of it was touched. */
export function newer(folder: Folder, why: string, cause?: unknown): SwarmlogsError {
  const text = `cannot open the store in '${folder.root}': it was written by a newer swarmlogs (${why}); start that version or a newer one`
  return new SwarmlogsError('SWARMLOGS_STORE_NEWER', text, cause === undefined ? undefined : { cause })
}
