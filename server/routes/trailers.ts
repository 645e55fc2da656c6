import type { ApiTrailer } from '../../shared/api/answers.ts'
import type { Context } from '../context.ts'
import { apiAnnotation, apiGap, type Missing } from '../missing.ts'
import type { Query } from '../query/query.ts'

/** Gaps and notes that a trailer names; how many there are is said beside them. */
const MAX_GAPS = 1_000

/** What is missing from the lines that the query finds, as the last frame of Docker's stream. */
export async function frameTrailer(
  context: Context,
  missing: Missing,
  query: Query,
  stopped: string | undefined,
  signal?: AbortSignal,
): Promise<string> {
  await findBeginning(context, missing, query, signal)
  const gaps = missing.gaps.slice(0, MAX_GAPS).map((gap) => apiGap(gap, context))
  const annotations = missing.annotations.slice(-MAX_GAPS).map((one) => apiAnnotation(one, context))
  return JSON.stringify({
    completeness: missing.completeness(),
    gaps,
    ...(annotations.length > 0 && { annotations }),
    ...(stopped !== undefined && { stopped }),
  } satisfies ApiTrailer)
}

/** The same in short, as an HTTP trailer. */
export async function httpTrailer(context: Context, missing: Missing, query: Query): Promise<string> {
  await findBeginning(context, missing, query)
  const { verdict, nodes, gaps } = missing.completeness()
  return `${verdict}; nodes=${nodes.length}; gaps=${gaps}`
}

/** Printed lines do not tell their times: where the newest ones begin has to be asked. */
async function findBeginning(context: Context, missing: Missing, query: Query, signal?: AbortSignal): Promise<void> {
  if (!missing.needsBeginning) return
  const first = context.store.search({ ...query, order: 'asc', limit: 1 }, signal)
  for await (const [record] of first) if (record !== undefined) missing.beginAt(record.time)
}
