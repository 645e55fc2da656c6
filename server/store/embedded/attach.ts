import { setTimeout as delay } from 'node:timers/promises'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Logger } from 'pino'
import { SwarmlogsError } from '../../../shared/errors.ts'
import { failureOf } from './failure.ts'
import type { Folder } from './folder.ts'
import { FORMAT, quoteText, STORAGE_VERSION } from './schema.ts'

const RETRY_LOCK_MS = 250

/** Attaches the catalog as soon as no other process keeps it, for at most so long; one that is damaged is set aside. */
export async function attachWhenFree(
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

/** Attaches the catalog, unless it is of a newer server. */
export async function attach(connection: DuckDBConnection, folder: Folder): Promise<void> {
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

/** Two columns of text. */
export async function rows(connection: DuckDBConnection, sql: string): Promise<(readonly [string, string])[]> {
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
