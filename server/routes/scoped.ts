import type { FastifyReply } from 'fastify'
import type { Context } from '../context.ts'
import { Missing } from '../missing.ts'
import { serverStops } from '../problem.ts'
import { type Choice, mustExist, readChoice } from '../query/choice.ts'
import { type CountParameters, rangeOf } from '../query/parameters.ts'
import type { Scope } from '../query/query.ts'
import type { Asking } from './asking.ts'
import { isFinal } from './final.ts'
import { writeHeaders } from './headers.ts'
import { clientGone } from './streamed.ts'

/** What a question that counts is about. */
export interface Scoped {
  readonly scope: Scope
  readonly choice: Choice
  readonly missing: Missing
}

/** Reads the parameters that choose lines. Throws a Problem when a target stands for nothing. */
export async function readScope(
  context: Context,
  { parameters, request, reply }: Asking<CountParameters>,
): Promise<Scoped> {
  const range = rangeOf(parameters, context.now())
  const choice = await readChoice(context, parameters)
  mustExist(choice)
  writeHeaders(context, { ...choice, ...range }, reply)
  const missing = new Missing(context, { ...choice, ...range })
  const scope = { filter: choice.filter, ...range, receivedUpTo: context.commits.lastReceived }
  await missing.read()
  reply.isFinal = request.method === 'GET' && isFinal(context, parameters, { ...choice, ...range }, missing)
  return { scope, choice, missing }
}

/** Does what an answer takes, which ends when the client goes, and counts how long that took. */
export async function answered<T>(
  context: Context,
  kind: string,
  reply: FastifyReply,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const start = performance.now()
  reply.raw.once('close', () => context.metrics.answered(kind, (performance.now() - start) / 1000))
  const signal = AbortSignal.any([clientGone(reply), context.stopping])
  try {
    return await work(signal)
  } catch (error) {
    throw signal.aborted ? serverStops() : error
  }
}
