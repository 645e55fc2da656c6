import { setImmediate } from 'node:timers/promises'
import type { ApiExamined } from '../../shared/api.ts'
import type { StoredRecord } from '../../shared/record.ts'
import { formatTime } from '../../shared/time.ts'
import type { Context } from '../context.ts'
import type { Scope } from './query.ts'

/** Records that are taken before the event loop gets a turn. */
const SLICE = 500

/**
 * Shows the newest `max` records of a scope to `take`, the newest first, and says how far that went: when the time of a query is up, what was
 * examined by then is what the answer tells of.
 */
export async function examine(
  { store, timing }: Pick<Context, 'store' | 'timing'>,
  scope: Scope,
  max: number,
  take: (record: StoredRecord) => void,
  signal: AbortSignal,
): Promise<ApiExamined> {
  const timeout = AbortSignal.timeout(timing.queryMs)
  const ended = AbortSignal.any([signal, timeout])
  let records = 0
  let from: bigint | undefined
  const told = (limited: boolean): ApiExamined => {
    const stopped = timeout.aborted && `the query took longer than ${timing.queryMs / 1000} s`
    return { records, limited, ...(from !== undefined && { from: formatTime(from) }), ...(stopped && { stopped }) }
  }
  // One more than is examined tells whether that was all.
  for await (const batch of store.search({ ...scope, order: 'desc', limit: max + 1 }, ended)) {
    for (const record of batch) {
      if (records === max) return told(true)
      take(record)
      from = record.time
      if (++records % SLICE === 0) await setImmediate()
    }
    if (timeout.aborted) break
  }
  signal.throwIfAborted()
  return told(timeout.aborted)
}
