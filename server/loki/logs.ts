import type { Store } from '../store/store.ts'
import type { Budget } from './budget.ts'
import type { Entry } from './entry.ts'
import type { Plan } from './plan.ts'
import { refused } from './refuse.ts'

/** An answer with more text than this is refused: it is held in memory. */
const MAX_CHARS = 64 * 1024 * 1024

/** Which lines are wanted of what a plan finds. */
export interface Wanted {
  /** Inclusive, nanoseconds since 1970. */
  readonly since: bigint
  /** Exclusive. */
  readonly until: bigint
  readonly order: 'asc' | 'desc'
  readonly limit: number
  /** Only what was committed up to this. */
  readonly receivedUpTo: bigint
}

/** The lines of a query in the order asked for, and what the reader should know of them. */
export interface Lines {
  readonly entries: readonly Entry[]
  readonly warnings: readonly string[]
}

/** Reads the lines of a query. What the budget does not suffice for is left out, with a warning. */
export async function readLines(store: Store, plan: Plan, wanted: Wanted, budget: Budget): Promise<Lines> {
  const { limit, ...range } = wanted
  const entries: Entry[] = []
  let chars = 0
  // A filter that may find others must not be cut by the store.
  const query = { filter: plan.filter, ...range, ...(plan.isCountable && { limit }) }
  for await (const records of store.search(query, budget.signal)) {
    budget.spend(records.length)
    for (const record of records) {
      const entry = plan.take(record)
      if (entry === undefined) continue
      entries.push(entry)
      chars += entry.line.length
      if (chars > MAX_CHARS) throw tooLong(entries.length)
      if (entries.length === limit) return { entries, warnings: [] }
    }
    if (budget.spent !== undefined) break
  }
  const { spent } = budget
  if (spent === undefined) budget.signal.throwIfAborted()
  return { entries, warnings: spent === undefined ? [] : [partial(wanted.order, spent)] }
}

function partial(order: 'asc' | 'desc', spent: string): string {
  const side = order === 'asc' ? 'later' : 'earlier'
  return `the answer is not complete, ${side} lines are missing: ${spent}; ask about less time, or choose fewer streams`
}

function tooLong(lines: number): Error {
  return refused(`cannot answer with so much text: the first ${lines} lines are over 64 MiB; give a smaller limit`)
}
