import { setImmediate } from 'node:timers/promises'
import type { ApiExamined } from '../../shared/api/answers.ts'
import type { StoredRecord } from '../../shared/record.ts'
import { formatTime } from '../../shared/time.ts'
import type { Context } from '../context.ts'
import type { EventRecord } from '../events/record.ts'
import { Budget } from '../query/budget.ts'
import { find } from './found.ts'
import type { Scoped } from './scoped.ts'

/** Records that are taken before the event loop gets a turn. */
const SLICE = 500

/**
 * Shows the newest `max` lines of a scope, or events, to `take`, the newest first, and says how far that went: when the time of a query is up,
 * what was examined by then is what the answer tells of. Throws a Problem (429) when too many wait that ask for the newest events.
 */
export async function examine(
  context: Context,
  { scope, isEvents }: Pick<Scoped, 'scope' | 'isEvents'>,
  max: number,
  take: (record: StoredRecord | EventRecord) => void,
  signal: AbortSignal,
): Promise<ApiExamined> {
  const budget = new Budget(context.timing.queryMs, true)
  let records = 0
  let from: bigint | undefined
  const takeAll = async (batch: readonly StoredRecord[]): Promise<boolean> => {
    for (const record of batch) {
      if (records === max) return false
      take(record)
      from = record.time
      if (++records % SLICE === 0) await setImmediate()
    }
    return true
  }
  let isAll = true
  // One more than is examined tells whether that was all.
  const query = { ...scope, order: 'desc' as const, limit: max + 1 }
  for await (const batch of find(context, { budget, isEvents }, query, signal)) {
    isAll = await budget.run(() => takeAll(batch))
    if (!isAll) break
  }
  signal.throwIfAborted()
  const { stopped } = budget
  const limited = !isAll || stopped !== undefined
  return { records, limited, ...(from !== undefined && { from: formatTime(from) }), ...(stopped && { stopped }) }
}
