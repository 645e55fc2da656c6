import { SwarmlogsError } from '../../shared/errors.ts'
import type { StoredRecord } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import type { EventRecord } from '../events/record.ts'
import { eventsInTurn } from '../events/search.ts'
import { badParameter } from '../problem.ts'
import type { Budget } from '../query/budget.ts'
import type { SearchParameters } from '../query/parameters.ts'
import { printRecord } from '../query/print.ts'
import type { Query } from '../query/query.ts'
import type { LineFormat, PrintedRun } from '../store/store.ts'

/** What is looked for, and for how long. */
interface Wish {
  readonly budget: Budget
  /** Events are wanted, not lines. */
  readonly isEvents: boolean
}

/** The lines, or events, that a query finds, until its time is up. */
export function find(
  context: Context,
  { budget, isEvents }: Wish,
  query: Query,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredRecord[]> {
  if (isEvents) return eventsInTurn(context, query, budget, signal)
  return budget.over(context.store.search(query, budget.signal(signal)))
}

/** Events are turned around, and so held, when the newest are asked for. */
const MAX_NEWEST_EVENTS = 10_000

/** Throws a Problem where events cannot be had as they are asked for. */
export function mustSuitEvents({ n = 0, per }: Pick<SearchParameters, 'n' | 'per'>): void {
  if (per !== undefined) throw badParameter('per', 'cannot count the events of each task: leave out per, or events')
  if (n <= MAX_NEWEST_EVENTS) return
  const remedy = `give at most ${MAX_NEWEST_EVENTS}, or a time by since`
  throw badParameter('n', `cannot find the newest ${n} events: ${remedy}`)
}

/** What a search prints, until its time is up: lines as the store prints them, of an event all of its lines. */
export function printed(
  context: Context,
  wish: Wish,
  query: Query,
  format: LineFormat,
  signal: AbortSignal,
): AsyncIterable<readonly PrintedRun[]> {
  const { budget, isEvents } = wish
  if (isEvents) return printEvents(eventsInTurn(context, query, budget, signal), format)
  return budget.over(context.store.print(query, format, budget.signal(signal)))
}

async function* printEvents(
  events: AsyncIterable<readonly EventRecord[]>,
  format: LineFormat,
): AsyncGenerator<readonly PrintedRun[]> {
  for await (const batch of events)
    yield batch.map(({ source, lines }) => ({
      source,
      text: lines.map((line) => `${printRecord(line, format)}\n`).join(''),
    }))
}

/** Throws where an answer has no place to say that it is only a part: it must look cut off. */
export function mustNotHaveStopped({ stopped }: Budget): void {
  if (stopped !== undefined) throw new SwarmlogsError('SWARMLOGS_LIMIT', `cannot show all lines: ${stopped}`)
}
