import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { SwarmlogsError } from '../shared/errors.ts'
import type { CopyConfig, CopySide } from './config/copy.ts'
import { copyInventory } from './inventories.ts'
import { type Shortfall, shortfalls } from './store/compare.ts'
import { type CopyProgress, copyStore } from './store/copy.ts'
import { CopyJournal } from './store/copy-journal.ts'
import { openStore } from './store/open.ts'
import type { Store, StreamDay } from './store/store.ts'

/** Nothing expires while it is copied, in neither store: the server that is started on the copy then knows what it may keep. */
const FOREVER_MS = 200 * 365 * 86_400_000
const LOCK_WAIT_MS = 2_000

/** How a copy is run. */
export interface CopyRun {
  readonly log: Logger
  readonly signal: AbortSignal
  readonly onProgress: (progress: CopyProgress) => void
}

/** What came of a copy: how many lines there are to copy, and which of them are missing. */
export interface CopyResult {
  readonly records: number
  readonly missing: readonly Shortfall[]
}

/** Copies one store into another one and counts then what is there. Throws when it could not be finished; run again it goes on where it was. */
export async function runCopy({ from, to }: CopyConfig, run: CopyRun): Promise<CopyResult> {
  const source = await openSide(from, 'from', run.log)
  try {
    const target = await openSide(to, 'to', run.log)
    try {
      refuseSame(source, target)
      await copyStore({ from: source, to: target, onProgress: run.onProgress, signal: run.signal })
      if (!run.signal.aborted) await copyInventory(source, target)
    } finally {
      await target.close()
    }
    if (run.signal.aborted) throw stopped()
    return await check(source, to, run.log)
  } finally {
    await source.close()
  }
}

/** Holds the copy against its original, as it is found when it is opened anew. */
async function check(source: Store, to: CopySide, log: Logger): Promise<CopyResult> {
  const original = await source.days()
  const target = await openSide(to, 'to', log)
  try {
    const missing = shortfalls(original, await target.days())
    if (missing.length > 0) {
      const journal = await CopyJournal.open(target, source.identity.id)
      await journal.forget(daysToCopyAgain(original, missing))
    }
    return { records: original.reduce((sum, { records }) => sum + records, 0), missing }
  } finally {
    await target.close()
  }
}

/** Where it cannot be told which day is short, it may be any. */
function daysToCopyAgain(original: readonly StreamDay[], missing: readonly Shortfall[]): ReadonlySet<string> {
  const days = missing.map(({ day }) => day)
  return new Set(days.includes('') ? original.map(({ day }) => day) : days)
}

async function openSide(side: CopySide, name: 'from' | 'to', log: Logger): Promise<Store> {
  const options = {
    ...{ retentionMs: FOREVER_MS, maxBytes: Number.MAX_SAFE_INTEGER, lockWaitMs: LOCK_WAIT_MS, log },
    ...(side.archive !== undefined && { archive: side.archive }),
  }
  if ('elasticsearch' in side)
    return openStore({ ...options, dir: '', elasticsearch: side.elasticsearch, isGuest: true })
  if (name === 'from' && !existsSync(join(side.dir, 'catalog.duckdb'))) {
    const message = `cannot copy from '${side.dir}': there is no store in it; give the folder that a server has as its --data`
    throw new SwarmlogsError('SWARMLOGS_USAGE', message)
  }
  try {
    return await openStore({ ...options, dir: side.dir })
  } catch (error) {
    if (!(error instanceof SwarmlogsError) || error.code !== 'SWARMLOGS_LOCKED') throw error
    const message = `cannot copy ${name} '${side.dir}': a server has it open; stop that server, copy, then start it on the copy`
    throw new SwarmlogsError('SWARMLOGS_LOCKED', message, { cause: error })
  }
}

function refuseSame(source: Store, target: Store): void {
  if (source.identity.id !== target.identity.id) return
  throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot copy a store to itself: give another --to')
}

function stopped(): SwarmlogsError {
  const message =
    'cannot say that all was copied: the copy was stopped; run the same command again, and it goes on where it was'
  return new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', message)
}
