import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { SwarmlogsError } from '../../shared/errors.ts'
import { isBusy, isDamage } from './sqlite.ts'
import { stateFile } from './state-dir.ts'

export interface LockOptions {
  readonly dir: string
  /** How long to wait for another agent to let go. */
  readonly waitMs: number
  readonly signal: AbortSignal
  readonly log: Logger
}

/** The one agent of a state folder holds this. */
export interface Lock {
  release(): void
}

const FILE = 'lock.db'
const TRY_EVERY_MS = 200

/** A database that nobody refers to is closed by the garbage collector, and its lock with it. */
const held = new Set<DatabaseSync>()

/**
 * Takes the lock of a state folder; waits when another agent has it. The kernel drops it with the process, however that ends.
 * Throws SWARMLOGS_LOCKED when the other agent does not let go in time, the signal's reason when that aborts.
 */
export async function acquireLock(options: LockOptions): Promise<Lock> {
  const { dir, waitMs, signal, log } = options
  const until = performance.now() + waitMs
  let hasSaid = false
  for (;;) {
    signal.throwIfAborted()
    const lock = tryLock(stateFile(dir, FILE))
    if (lock !== undefined) {
      if (hasSaid) log.info({ dir }, 'got the state folder')
      return lock
    }
    if (performance.now() >= until) throw new SwarmlogsError('SWARMLOGS_LOCKED', lockedMessage(dir))
    if (!hasSaid) log.warn({ dir, waitMs }, 'waiting for another agent to let go of the state folder')
    hasSaid = true
    await delay(TRY_EVERY_MS, undefined, { signal })
  }
}

function lockedMessage(dir: string): string {
  return `cannot use the state folder ${dir}: another agent uses it; stop that one, or give this one another folder with --state`
}

/** A transaction of SQLite that never writes: its locks work between processes and containers, on every local file system. */
function tryLock(path: string): Lock | undefined {
  let database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (isBusy(error)) return undefined
    if (!isDamage(error)) throw error
    // Nothing is ever stored in it, so nothing is lost; who holds a lock has found the file sound.
    rmSync(path)
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec('BEGIN EXCLUSIVE')
  }
  held.add(database)
  return {
    release() {
      held.delete(database)
      database.close()
    },
  }
}
