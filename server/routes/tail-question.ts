import type { WebSocket } from '@fastify/websocket'
import type { FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import { badParameter, problemOfValidation } from '../problem.ts'
import { TailParameters } from '../query/parameters.ts'
import { type Question, readQuestion } from '../query/question.ts'
import { firstMessage } from './first-message.ts'
import { mustSuitEvents } from './found.ts'

/** What a tail was asked. */
export interface AskedTail {
  readonly parameters: TailParameters
  readonly question: Question
}

/** Resolves parameters that passed their schema. Throws a Problem that names the wrong one. */
export async function askedTail(
  context: Context,
  { headers }: FastifyRequest,
  parameters: TailParameters,
): Promise<AskedTail> {
  if (parameters.events) mustSuitEvents(parameters)
  const question = await readQuestion(context, 'tail', resumed(parameters, headers['last-event-id']))
  return { parameters, question }
}

/** Whether the parameters come as the first message of a WebSocket. Throws a Problem where there are none, or some stand in the address. */
export function comesByMessage({ query, ws, url }: FastifyRequest): boolean {
  if ((query as { parameters?: string }).parameters === undefined) return false
  if (!ws)
    throw badParameter('parameters', 'cannot take parameters=message but from a WebSocket: send them as JSON by POST')
  const other = [...new URL(url, 'ws://localhost').searchParams.keys()].find((name) => name !== 'parameters')
  if (other === undefined) return true
  throw badParameter(other, `cannot take ${other} from the address with parameters=message: put it into the message`)
}

/** Reads what a client of a WebSocket sends first: the JSON that others send by POST. */
export async function askedByMessage(
  context: Context,
  request: FastifyRequest,
  socket: WebSocket,
  signal: AbortSignal,
): Promise<AskedTail> {
  const sent = await firstMessage(socket, context.timing.parametersMs, signal)
  const isRight = request.compileValidationSchema(TailParameters, 'body')
  if (!isRight(sent)) throw problemOfValidation(isRight.errors ?? [])
  return askedTail(context, request, sent as TailParameters)
}

/** Browsers resume by header, and repeat the first request's cursor, which is older then. */
function resumed(parameters: TailParameters, lastEventId: string | string[] | undefined): TailParameters {
  return typeof lastEventId === 'string' && lastEventId !== '' ? { ...parameters, cursor: lastEventId } : parameters
}
