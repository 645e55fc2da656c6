import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { AgentConfig } from './config.ts'
import { type AgentAddresses, Run } from './run.ts'
import { mend, setAside } from './spool/database.ts'
import { acquireLock, type Lock, type LockOptions } from './spool/lock.ts'
import { isDamage, isDiskTrouble } from './spool/sqlite.ts'
import { openStateDir } from './spool/state-dir.ts'

export type { AgentAddresses }

/** A disk that cannot even be read is tried again so often. */
const DISK_RETRY_MS = 5_000

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
  const lock = await lockOnceThereIsDisk({ dir, waitMs, signal, log })
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

async function lockOnceThereIsDisk(options: LockOptions): Promise<Lock> {
  for (;;) {
    try {
      openStateDir(options.dir)
      return await acquireLock(options)
    } catch (error) {
      if (!isDiskTrouble(error)) throw error
      await waitForDisk(options.dir, options.log, options.signal, error)
    }
  }
}

/** Runs on one spool; returns false when that has to be opened anew: it was found damaged, or its disk failed. */
async function runOnce(
  config: AgentConfig,
  log: Logger,
  signal: AbortSignal,
  onReady: (addresses: AgentAddresses) => void,
): Promise<boolean> {
  let run: Run | undefined
  try {
    run = new Run(config, log)
    await run.untilStopped(signal, onReady)
    return true
  } catch (error) {
    run?.close()
    const { stateDir: dir } = config
    const cause = isDamage(error) ? mended(dir, log, error) : error
    if (isDiskTrouble(cause)) await waitForDisk(dir, log, signal, cause)
    else if (cause !== undefined) throw cause
    return signal.aborted
  } finally {
    run?.close()
  }
}

/** Takes the damage out of a spool, or all of the spool out of the way when it cannot be found; answers what keeps it from that. */
function mended(dir: string, log: Logger, damage: unknown): unknown {
  try {
    if (!mend(dir, log, damage)) setAside(dir, log, damage)
    return undefined
  } catch (error) {
    return error
  }
}

async function waitForDisk(dir: string, log: Logger, signal: AbortSignal, cause: unknown): Promise<void> {
  log.error({ err: cause, dir }, 'cannot use the disk of the state folder; trying again')
  await delay(DISK_RETRY_MS, undefined, { signal }).catch(() => undefined)
}
