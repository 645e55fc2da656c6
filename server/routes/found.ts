import { SwarmlogsError } from '../../shared/errors.ts'
import type { StoredRecord } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import { searchEvents } from '../events/search.ts'
import { badParameter } from '../problem.ts'
import type { Budget } from '../query/budget.ts'
import type { SearchParameters } from '../query/parameters.ts'
import type { Query } from '../query/query.ts'
import type { Form } from './forms.ts'

/** What is looked for, and for how long. */
interface Wish {
  readonly budget: Budget
  /** Events are wanted, not lines. */
  readonly isEvents: boolean
}

/** The lines, or events, that a query finds, until its time is up. */
export function find(
  { store }: Context,
  { budget, isEvents }: Wish,
  query: Query,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredRecord[]> {
  const until = budget.signal(signal)
  return budget.over(isEvents ? searchEvents(store, query, until) : store.search(query, until))
}

/** Throws a Problem where an answer cannot be made of events. */
export function mustSuitEvents(form: Form, { order, n }: SearchParameters): void {
  if ((form === 'json' || form === 'ndjson') && order === 'asc' && n === undefined) return
  throw badParameter('events', 'cannot answer with events so: accept JSON or NDJSON, and leave out n and order=desc')
}

/** Throws where an answer has no place to say that it is only a part: it must look cut off. */
export function mustNotHaveStopped({ stopped }: Budget): void {
  if (stopped !== undefined) throw new SwarmlogsError('SWARMLOGS_LIMIT', `cannot show all lines: ${stopped}`)
}
