import { positionOf, type StoredRecord } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import { Missing } from '../missing.ts'
import { badParameter } from '../problem.ts'
import { Budget } from '../query/budget.ts'
import { mustExist } from '../query/choice.ts'
import { looksAtLines } from '../query/filter.ts'
import type { SearchParameters } from '../query/parameters.ts'
import type { Query } from '../query/query.ts'
import { type Question, readQuestion } from '../query/question.ts'
import { FORMS, type Form, wantsNotes, wantsTrailer } from './forms.ts'
import { mustSuitEvents } from './found.ts'

/** Of a page, which is one JSON document. */
const MAX_LIMIT = 10_000

/** One search under way. */
export interface Search {
  readonly question: Question
  readonly order: 'asc' | 'desc'
  readonly limit: number | undefined
  /** Pages and resumed streams show the store as it was when they began. */
  readonly receivedUpTo: bigint
  readonly missing: Missing
  readonly budget: Budget
  /** Some lines were missing when it began. */
  readonly isDoubtful: boolean
  readonly hasTrailer: boolean
  /** NDJSON has what people noted, too. */
  readonly hasNotes: boolean
  /** Events are wanted, not lines. */
  readonly isEvents: boolean
}

/** What was asked for, checked; what is missing has been read but for pages, which read it while they search. */
export async function readSearch(
  context: Context,
  form: Form,
  parameters: SearchParameters,
  accept: string | undefined,
): Promise<Search> {
  const { order, limit, events: isEvents } = parameters
  if (isEvents) mustSuitEvents(parameters)
  if (form === 'json' && limit !== undefined && limit > MAX_LIMIT) {
    throw badParameter(
      'limit',
      `cannot use limit=${limit} for JSON: give at most ${MAX_LIMIT}, or accept ${FORMS.ndjson}`,
    )
  }
  const question = await readQuestion(context, 'search', parameters)
  mustExist(question)
  if (question.cursor !== undefined) await context.commits.reach(question.cursor.receivedUpTo)
  const missing = new Missing(context, question)
  const receivedUpTo = question.cursor?.receivedUpTo ?? context.commits.lastReceived
  // A page reads them while it searches.
  if (form !== 'json') await missing.read()
  const isDoubtful = question.cursor?.isDoubtful === true || missing.hasLateNodes
  const budget = new Budget(context.timing.queryMs, looksAtLines(question.filter))
  const wishes = { hasTrailer: wantsTrailer(accept), hasNotes: wantsNotes(accept) }
  return { question, order, limit, receivedUpTo, missing, budget, isDoubtful, isEvents, ...wishes }
}

/** The query that the store is asked. @param isSnapshot what comes in from now on is left out. */
export function queryOf({ question, order, limit, receivedUpTo }: Search, isSnapshot: boolean): Query {
  const { filter, since, until, newest, perTask, cursor } = question
  return {
    filter,
    order,
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
    ...(newest !== undefined && { newest, perTask }),
    ...(limit !== undefined && { limit }),
    ...(cursor?.position && { after: cursor.position }),
    ...((isSnapshot || cursor !== undefined) && { receivedUpTo }),
  }
}

/** The cursor of a record of the answer. */
export function cursorAt({ question, receivedUpTo, isDoubtful }: Search, record: StoredRecord): string {
  const { since, until, cursors } = question
  const range = { ...(since !== undefined && { since }), ...(until !== undefined && { until }) }
  return cursors.write({ kind: 'search', receivedUpTo, ...range, position: positionOf(record), isDoubtful })
}
