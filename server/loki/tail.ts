import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import type { StoredRecord } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import { follow } from '../follow.ts'
import { problemOf } from '../problem.ts'
import type { Question } from '../query/question.ts'
import type { Turns } from '../turns.ts'
import { tailText } from './answers.ts'
import { Budget } from './budget.ts'
import type { Entry } from './entry.ts'
import { Labelling } from './labels.ts'
import { parseLogQuery } from './logql/parse.ts'
import { readLines, type Wanted } from './logs.ts'
import { isApart, Parameters } from './parameters.ts'
import { type Plan, planOf } from './plan.ts'
import { questionOf } from './question.ts'
import { refused } from './refuse.ts'

const DEFAULT_LIMIT = 100
/** Lines of one message. */
const MAX_LINES = 1_000
const MAX_DELAY = 5
/** Codes of RFC 6455. */
const [TRY_AGAIN, ERROR] = [1013, 1011]
/** A close frame has 125 bytes for code and reason. */
const MAX_REASON = 40

/** A tail that was asked for. */
interface Tail {
  readonly plan: Plan
  readonly question: Question
  readonly history: Omit<Wanted, 'receivedUpTo'>
}

/** What a tail is served with. */
interface Serving {
  readonly context: Context
  readonly turns: Turns
}

/** GET /loki/api/v1/tail: the newest lines, then what comes in, over a WebSocket. */
export function tailRoute(context: Context, turns: Turns): FastifyPluginAsync {
  return async (app) => {
    const options = {
      websocket: true as const,
      schema: { hide: true },
      // What is wrong with a request must be said before it is a WebSocket.
      preValidation: async (request: FastifyRequest) => void readTail(context, request),
    }
    app.get('/api/v1/tail', options, (socket, request) => run({ context, turns }, socket, request))
  }
}

function readTail(context: Context, request: FastifyRequest): Tail {
  const parameters = new Parameters(request, context.now())
  const query = parseLogQuery(parameters.text('query'))
  if (Number(parameters.text('delay_for')) > MAX_DELAY) throw refused(`cannot wait longer than delay_for=${MAX_DELAY}`)
  const plan = planOf(query, new Labelling(context.inventories.clusterOf))
  const { start, end } = parameters.bounds()
  const limit = parameters.count('limit', DEFAULT_LIMIT)
  const question = questionOf(context, query, plan, { matched: [], since: start })
  return { plan, question, history: { since: start, until: end, order: 'desc', limit } }
}

async function run({ context, turns }: Serving, socket: WebSocket, request: FastifyRequest): Promise<void> {
  const gone = new AbortController()
  socket.once('close', () => gone.abort())
  // The end of the socket follows, and is what counts.
  socket.on('error', () => {})
  // Clients come again, and go on, only when the end was no proper one.
  const cut = () => socket.terminate()
  context.stopping.addEventListener('abort', cut)
  let release = () => {}
  try {
    release = context.slots.take()
    const sender = new Sender(socket, isApart(request), context.timing.stalledMs)
    const signal = AbortSignal.any([gone.signal, context.stopping])
    await send({ context, turns }, readTail(context, request), sender, signal)
    cut()
  } catch (error) {
    if (!gone.signal.aborted) refuse(context, socket, error)
  } finally {
    release()
    context.stopping.removeEventListener('abort', cut)
  }
}

function refuse({ log }: Context, socket: WebSocket, error: unknown): void {
  const { status, message } = problemOf(error)
  if (status === 500) log.error({ err: error }, 'tail was cut off by an error')
  socket.close(status === 500 ? ERROR : TRY_AGAIN, message.slice(0, MAX_REASON))
}

/** All that was committed up to the begin is history; the rest follows. */
async function send({ context, turns }: Serving, tail: Tail, sender: Sender, signal: AbortSignal): Promise<void> {
  const { plan, question, history } = tail
  const receivedUpTo = context.commits.lastReceived
  const { entries } = await turns.run(signal, () => {
    const budget = new Budget(signal, context.timing.queryMs)
    return readLines(context.store, plan, { ...history, receivedUpTo }, budget)
  })
  await sender.send(entries.toReversed())
  const take = (records: readonly StoredRecord[]) => records.flatMap((record) => plan.take(record) ?? [])
  for await (const event of follow(context, { ...question, cursor: { kind: 'tail', receivedUpTo } }, signal)) {
    if (event.kind === 'records') await sender.send(take(event.records))
    if (event.kind === 'heartbeat') sender.ping()
  }
}

/** Sends lines, never more than the client takes. */
class Sender {
  readonly #socket: WebSocket
  readonly #isApart: boolean
  readonly #stalledMs: number

  constructor(socket: WebSocket, isApart: boolean, stalledMs: number) {
    this.#socket = socket
    this.#isApart = isApart
    this.#stalledMs = stalledMs
  }

  async send(entries: readonly Entry[]): Promise<void> {
    for (let at = 0; at < entries.length; at += MAX_LINES)
      await this.#write(tailText(entries.slice(at, at + MAX_LINES), this.#isApart))
  }

  ping(): void {
    this.#socket.ping()
  }

  /** A client that takes nothing for too long is cut off. */
  async #write(text: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(() => this.#socket.terminate(), this.#stalledMs)
    this.#socket.send(text, () => resolve())
    await promise
    clearTimeout(timer)
  }
}
