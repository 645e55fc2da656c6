import type { FastifyReply } from 'fastify'
import type { ApiCount } from '../../shared/api/answers.ts'
import { formatTime } from '../../shared/time.ts'
import type { Context } from '../context.ts'
import { Missing } from '../missing.ts'
import { serverStops } from '../problem.ts'
import { Budget } from '../query/budget.ts'
import { type Choice, mustExist, readChoice } from '../query/choice.ts'
import { looksAtLines } from '../query/filter.ts'
import { rangeOf, type ScopeParameters } from '../query/parameters.ts'
import type { Scope } from '../query/query.ts'
import { Windows } from '../query/windows.ts'
import type { Asking } from './asking.ts'
import { isFinal } from './final.ts'
import { writeHeaders } from './headers.ts'
import { clientGone } from './streamed.ts'

/** What a question that counts is about. */
export interface Scoped {
  readonly scope: Scope
  readonly choice: Choice
  readonly missing: Missing
  /** Events are counted, not lines. */
  readonly isEvents: boolean
  /** Resolves when `missing` has been read. */
  readonly reading: Promise<void>
}

type ScopeAsking = Asking<ScopeParameters & { readonly events?: boolean }>

/** Reads the parameters that choose lines, and what is missing of them. Throws a Problem when a target stands for nothing. */
export async function readScope(context: Context, asking: ScopeAsking): Promise<Scoped> {
  const scoped = await beginScope(context, asking)
  await scoped.reading
  return scoped
}

/** As `readScope`, but what is missing is still being read while the work is done: the answer must await that. */
export async function beginScope(context: Context, { parameters, request, reply }: ScopeAsking): Promise<Scoped> {
  const range = rangeOf(parameters, context.now())
  const choice = await readChoice(context, parameters)
  mustExist(choice)
  writeHeaders(context, { ...choice, ...range }, reply)
  const missing = new Missing(context, { ...choice, ...range })
  const scope = { filter: choice.filter, ...range, receivedUpTo: context.commits.lastReceived }
  // What comes behind the end may still belong to an event.
  const isEvents = parameters.events === true
  const reading = missing.read().then(() => {
    reply.isFinal =
      request.method !== 'POST' && !isEvents && isFinal(context, parameters, { ...choice, ...range }, missing)
  })
  // Work that fails first is not waited for.
  reading.catch(() => undefined)
  return { scope, choice, missing, isEvents, reading }
}

/** Counts window by window; when the time of the query is up, tells how far it came. */
export async function inWindows(
  context: Context,
  { scope, choice, isEvents }: Scoped,
  signal: AbortSignal,
  count: (window: Scope, signal: AbortSignal) => Promise<void>,
): Promise<Pick<ApiCount, 'stopped' | 'counted_since'>> {
  const isReading = isEvents || looksAtLines(scope.filter)
  const budget = new Budget(context.timing.queryMs, isReading)
  const until = budget.signal(signal)
  const windows = new Windows(scope, choice.matched, isReading, context.timing.queryMs)
  let since: bigint | undefined
  for (let window = windows.next(); window !== undefined; window = windows.next()) {
    const start = performance.now()
    try {
      const one = window
      await budget.run(() => count(one, until))
    } catch (error) {
      const { stopped } = budget
      if (stopped === undefined || signal.aborted) throw error
      return { stopped, ...(since !== undefined && { counted_since: formatTime(since) }) }
    }
    since = window.since
    windows.learn(performance.now() - start)
  }
  return {}
}

/** What says of an answer that it is but a part. */
interface Part {
  readonly stopped?: string
  readonly examined?: { readonly stopped?: string }
}

/** Does what an answer takes, which ends when the client goes, and counts how long that took. */
export async function answered<T extends Part | string>(
  context: Context,
  kind: string,
  reply: FastifyReply,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const start = performance.now()
  reply.raw.once('close', () => context.metrics.answered(kind, (performance.now() - start) / 1000))
  const signal = AbortSignal.any([clientGone(reply), context.stopping])
  try {
    const found = await work(signal)
    if (typeof found !== 'string' && (found.stopped ?? found.examined?.stopped) !== undefined) reply.isFinal = false
    return found
  } catch (error) {
    throw signal.aborted ? serverStops() : error
  }
}
