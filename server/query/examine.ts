import { setImmediate } from 'node:timers/promises'
import type { ApiExamined } from '../../shared/api.ts'
import type { StoredRecord } from '../../shared/record.ts'
import { formatTime } from '../../shared/time.ts'
import type { Store } from '../store/store.ts'
import type { Scope } from './query.ts'

/** Longer nobody waits for an answer: what was examined by then is what it tells of. */
const MAX_MS = 30_000
/** Records that are taken before the event loop gets a turn. */
const SLICE = 500

/** Shows the newest `max` records of a scope to `take`, the newest first, and says how far that went. */
export async function examine(
  store: Store,
  scope: Scope,
  max: number,
  take: (record: StoredRecord) => void,
  signal: AbortSignal,
): Promise<ApiExamined> {
  const end = performance.now() + MAX_MS
  let records = 0
  let from: bigint | undefined
  const told = (limited: boolean): ApiExamined => {
    return { records, limited, ...(from !== undefined && { from: formatTime(from) }) }
  }
  // One more than is examined tells whether that was all.
  for await (const batch of store.search({ ...scope, order: 'desc', limit: max + 1 }, signal)) {
    for (const record of batch) {
      if (records === max) return told(true)
      take(record)
      from = record.time
      if (++records % SLICE === 0) await setImmediate()
    }
    if (performance.now() > end) return told(true)
  }
  signal.throwIfAborted()
  return told(false)
}

/** What is told of an answer that was counted in the store. */
export function countedAll(records: number): ApiExamined {
  return { records, limited: false }
}
