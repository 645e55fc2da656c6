import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { SwarmlogsError } from '../../shared/errors.ts'
import { programVersion } from '../../shared/version.ts'
import { openStore } from '../store/open.ts'
import { type Backup, makeBackup } from './write.ts'

/** Nothing may expire because it is backed up. */
const FOREVER_MS = 200 * 365 * 86_400_000

/** A backup of a store that no server has open, which must be closed. Throws SWARMLOGS_USAGE when there is none, SWARMLOGS_LOCKED when a server has it open. */
export async function openOffline(dir: string, log: Logger): Promise<Backup & { close(): Promise<void> }> {
  if (!existsSync(join(dir, 'catalog.duckdb'))) {
    const message = `cannot back up '${dir}': there is no store in it; give the folder that a server has as its --data`
    throw new SwarmlogsError('SWARMLOGS_USAGE', message)
  }
  const store = await openStore({
    ...{ dir, log, retentionMs: FOREVER_MS, maxBytes: Number.MAX_SAFE_INTEGER, lockWaitMs: 0 },
  }).catch((error: unknown) => {
    if (!(error instanceof SwarmlogsError) || error.code !== 'SWARMLOGS_LOCKED') throw error
    const message = `cannot back up '${dir}': a server has it open; leave out --data, and that server is asked for it`
    throw new SwarmlogsError('SWARMLOGS_LOCKED', message, { cause: error })
  })
  const snapshot = await store.snapshot?.()
  if (snapshot === undefined) throw new Error('BUG: a folder without snapshots')
  const now = BigInt(Date.now()) * 1_000_000n
  return { ...makeBackup({ store, snapshot, version: programVersion(), now }), close: () => store.close() }
}
