import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { WebSocket } from '@fastify/websocket'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ApiNote, ApiText } from '../../shared/api/answers.ts'
import type { StoredRecord } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import type { EventRecord } from '../events/record.ts'
import { followEvents } from '../events/tail.ts'
import { type FollowEvent, follow } from '../follow.ts'
import { passedOver } from '../passed-over.ts'
import { problemOf } from '../problem.ts'
import { recordJson } from '../query/json.ts'
import { TailParameters } from '../query/parameters.ts'
import { printRecord } from '../query/print.ts'
import { notesOf, type Question } from '../query/question.ts'
import type { LineFormat } from '../store/store.ts'
import { byPost, flagsRewritten } from './asking.ts'
import { tailSchema } from './log-documents.ts'
import { refuse, sendMessages } from './messages.ts'
import { sendStreamed } from './streamed.ts'
import { type GapEvent, withGaps } from './tail-gaps.ts'
import { type AskedTail, askedByMessage, askedTail, comesByMessage } from './tail-question.ts'
import { type TaskEvent, withTasks } from './tail-tasks.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What a tail was asked; undefined where a WebSocket has yet to tell. */
    tail: AskedTail | undefined
  }
}

const CHUNK_CHARS = 64 * 1024
/** Not every client knows what to make of these. */
const WANTS_TASKS = /^text\/event-stream *; *with=tasks$/i
/** Begins the answer, so that the client knows at once that it is connected. */
const GREETING = ': swarmlogs\n\n'

/** /api/v1/tail: history, then what comes in, as server-sent events or, by GET, over a WebSocket. */
export function tailRoute(context: Context): FastifyPluginAsyncTypebox {
  const preHandler = async (request: FastifyRequest): Promise<void> => {
    const parameters = (request.method === 'POST' ? request.body : request.query) as TailParameters
    // A WebSocket is not opened for a question that has no answer.
    request.tail = comesByMessage(request) ? undefined : await askedTail(context, request, parameters)
  }
  const handler = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    reply.header('content-type', 'text/event-stream; charset=utf-8')
    // A client that takes nothing for so long is not coming back; its unsent events are in the store.
    reply.raw.setTimeout(context.timing.stalledMs, () => reply.raw.destroy())
    return sendStreamed(context, reply, (signal) => sentEvents(context, request, signal))
  }
  return async (app) => {
    app.post('/tail', { ...byPost(app, { ...tailSchema, querystring: TailParameters }), preHandler }, handler)
    app.route({
      method: 'GET',
      url: '/tail',
      schema: tailSchema,
      preValidation: flagsRewritten,
      preHandler,
      handler,
      wsHandler: (socket, request) =>
        sendMessages(context, socket, (signal) => sentMessages(context, request, socket, signal)),
    })
  }
}

/** Writes a record as the data of an event. */
type DataOf = (record: StoredRecord, cursor: string) => string

function dataFor(context: Context, question: Question, { format }: TailParameters): DataOf {
  if (format === 'text') return textData(question.format)
  return (record, cursor) => recordJson(record, cursor, context.inventories.clusterOf)
}

/** All that a tail tells. An error ends it with a note. */
async function* tail(
  context: Context,
  question: Question,
  isEvents: boolean,
  signal: AbortSignal,
): AsyncGenerator<FollowEvent | GapEvent> {
  const followed = isEvents ? followEvents : follow
  try {
    if (question.cursor === undefined) for (const note of notesOf(context, question)) yield { kind: 'note', note }
    const passed = passedOver(context, question)
    if (passed !== undefined) yield { kind: 'note', note: passed.note }
    const asked = passed?.question ?? question
    yield* withGaps(context, asked, followed(context, asked, signal))
  } catch (error) {
    if (signal.aborted) return
    const problem = problemOf(error)
    if (problem.status === 500) context.log.error({ err: error }, 'tail was cut off by an error')
    yield { kind: 'note', note: { code: 'error', message: problem.message } }
  }
}

async function* sentEvents(context: Context, request: FastifyRequest, signal: AbortSignal): AsyncGenerator<Buffer> {
  yield Buffer.from(GREETING)
  const { tail: asked, headers } = request
  if (asked === undefined) throw new Error('BUG: a tail that was asked nothing')
  const { question, parameters } = asked
  const dataOf = dataFor(context, question, parameters)
  const events = tail(context, question, parameters.events, signal)
  const wanted = WANTS_TASKS.test(headers.accept ?? '') ? withTasks(context, question, events) : events
  for await (const event of wanted) yield* encode(event, dataOf)
}

async function* sentMessages(
  context: Context,
  request: FastifyRequest,
  socket: WebSocket,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  let asked: AskedTail
  try {
    asked = request.tail ?? (await askedByMessage(context, request, socket, signal))
  } catch (error) {
    if (signal.aborted) return
    yield [`{"event":"problem","data":${JSON.stringify(problemOf(error).body)}}`]
    return refuse(socket, error)
  }
  const { question, parameters } = asked
  const events = tail(context, question, parameters.events, signal)
  yield* messages(events, dataFor(context, question, parameters))
}

async function* messages(
  events: AsyncGenerator<FollowEvent | GapEvent>,
  dataOf: DataOf,
): AsyncGenerator<readonly string[]> {
  for await (const event of events) {
    switch (event.kind) {
      case 'heartbeat':
        yield []
        break
      case 'note':
        yield [`{"event":"note","data":${JSON.stringify(event.note)}}`]
        break
      case 'gap':
      case 'annotation':
        yield [`{"event":"${event.kind}","data":${event.text}}`]
        break
      case 'completeness':
        yield [`{"event":"completeness","data":${JSON.stringify(event.completeness)}}`]
        break
      case 'live':
        yield [`{"event":"live","id":"${event.cursorOf()}","data":{}}`]
        break
      case 'records':
        yield event.records.map((record) => {
          const cursor = event.cursorOf(record)
          return `{"event":"record","id":"${cursor}","data":${dataOf(record, cursor)}}`
        })
    }
  }
}

function* encode(event: FollowEvent | GapEvent | TaskEvent, dataOf: DataOf): Generator<Buffer> {
  switch (event.kind) {
    case 'heartbeat':
      return yield Buffer.from(':\n\n')
    case 'note':
      return yield noteEvent(event.note)
    case 'gap':
    case 'annotation':
      return yield Buffer.from(`event: ${event.kind}\ndata: ${event.text}\n\n`)
    case 'completeness':
      return yield Buffer.from(`event: completeness\ndata: ${JSON.stringify(event.completeness)}\n\n`)
    case 'task':
      return yield Buffer.from(`event: task\ndata: ${JSON.stringify(event.change)}\n\n`)
    case 'live':
      return yield Buffer.from(`id: ${event.cursorOf()}\nevent: live\ndata: {}\n\n`)
    case 'records': {
      let text = ''
      for (const record of event.records) {
        const cursor = event.cursorOf(record)
        text += `id: ${cursor}\ndata: ${dataOf(record, cursor)}\n\n`
        if (text.length < CHUNK_CHARS) continue
        yield Buffer.from(text)
        text = ''
      }
      if (text !== '') yield Buffer.from(text)
    }
  }
}

function textData(format: LineFormat): (record: StoredRecord) => string {
  return (record: StoredRecord | EventRecord) => {
    const lines = 'lines' in record ? record.lines : [record]
    const text = lines.map((line) => printRecord(line, format)).join('\n')
    return JSON.stringify({ source: record.source, text } satisfies ApiText)
  }
}

function noteEvent(note: ApiNote): Buffer {
  return Buffer.from(`event: note\ndata: ${JSON.stringify(note)}\n\n`)
}
