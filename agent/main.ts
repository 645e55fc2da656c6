import type { Logger } from 'pino'
import type { AgentConfig } from './config.ts'
import { type AgentAddresses, Run } from './run.ts'
import { setAside } from './spool/database.ts'
import { acquireLock } from './spool/lock.ts'
import { isDamage } from './spool/sqlite.ts'
import { openStateDir } from './spool/state-dir.ts'

export type { AgentAddresses }

/**
 * Runs the agent until the signal aborts, then has it follow its dying neighbours to their end and ship what it can within the grace;
 * what is not acked by then stays in the spool. Throws SWARMLOGS_LOCKED, SWARMLOGS_STORE_NEWER or SWARMLOGS_CONFIG when it cannot start.
 */
export async function runAgent(
  config: AgentConfig,
  log: Logger,
  signal: AbortSignal,
  onReady?: (addresses: AgentAddresses) => void,
): Promise<void> {
  const { stateDir: dir, lockWaitMs: waitMs } = config
  openStateDir(dir)
  const lock = await acquireLock({ dir, waitMs, signal, log })
  let ready = onReady
  const readyOnce = (addresses: AgentAddresses) => {
    ready?.(addresses)
    ready = undefined
  }
  try {
    while (!(await runOnce(config, log, signal, readyOnce)));
  } finally {
    lock.release()
  }
}

/** Runs on one spool; returns false when that was found damaged on the way, and is now set aside. */
async function runOnce(
  config: AgentConfig,
  log: Logger,
  signal: AbortSignal,
  onReady: (addresses: AgentAddresses) => void,
): Promise<boolean> {
  const run = new Run(config, log)
  try {
    await run.untilStopped(signal, onReady)
    return true
  } catch (error) {
    if (!isDamage(error)) throw error
    run.close()
    setAside(config.stateDir, log, error)
    return signal.aborted
  } finally {
    run.close()
  }
}
