import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ApiNote, ApiText } from '../../shared/api.ts'
import type { StoredRecord } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import { type FollowEvent, follow } from '../follow.ts'
import { problemOf } from '../problem.ts'
import { recordJson } from '../query/json.ts'
import { rewriteFlags, type TailParameters } from '../query/parameters.ts'
import { printRecord } from '../query/print.ts'
import { notesOf, type Question, readQuestion } from '../query/question.ts'
import type { LineFormat } from '../store/store.ts'
import { tailSchema } from './log-documents.ts'
import { sendStreamed } from './streamed.ts'
import { type GapEvent, withGaps } from './tail-gaps.ts'

const CHUNK_CHARS = 64 * 1024
/** Begins the answer, so that the client knows at once that it is connected. */
const GREETING = ': swarmlogs\n\n'

/** GET /api/v1/tail: history, then what comes in, as server-sent events. */
export function tailRoute(context: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/tail',
      { schema: tailSchema, preValidation: async (request) => rewriteFlags(request.query as Record<string, unknown>) },
      async (request, reply) => {
        const question = await readQuestion(context, 'tail', resumed(request.query, request.headers['last-event-id']))
        reply.header('content-type', 'text/event-stream; charset=utf-8')
        // A client that takes nothing for so long is not coming back; its unsent events are in the store.
        reply.raw.setTimeout(context.timing.stalledMs, () => reply.raw.destroy())
        return sendStreamed(context, reply, (signal) => events(context, question, request.query, signal))
      },
    )
  }
}

/** Browsers resume by header, and repeat the first request's cursor, which is older then. */
function resumed(parameters: TailParameters, lastEventId: string | string[] | undefined): TailParameters {
  return typeof lastEventId === 'string' && lastEventId !== '' ? { ...parameters, cursor: lastEventId } : parameters
}

async function* events(
  context: Context,
  question: Question,
  parameters: TailParameters,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  yield Buffer.from(GREETING)
  const json = (record: StoredRecord, cursor: string) => recordJson(record, cursor, context.inventories.clusterOf)
  const dataOf = parameters.format === 'text' ? textData(question.format) : json
  try {
    if (question.cursor === undefined) for (const note of notesOf(context, question)) yield noteEvent(note)
    for await (const event of withGaps(context, question, follow(context, question, signal)))
      yield* encode(event, dataOf)
  } catch (error) {
    if (signal.aborted) return
    const problem = problemOf(error)
    if (problem.status === 500) context.log.error({ err: error }, 'tail was cut off by an error')
    yield noteEvent({ code: 'error', message: problem.message })
  }
}

function* encode(
  event: FollowEvent | GapEvent,
  dataOf: (record: StoredRecord, cursor: string) => string,
): Generator<Buffer> {
  switch (event.kind) {
    case 'heartbeat':
      return yield Buffer.from(':\n\n')
    case 'note':
      return yield noteEvent(event.note)
    case 'gap':
      return yield Buffer.from(`event: gap\ndata: ${event.text}\n\n`)
    case 'completeness':
      return yield Buffer.from(`event: completeness\ndata: ${JSON.stringify(event.completeness)}\n\n`)
    case 'live':
      return yield Buffer.from(`id: ${event.cursor}\nevent: live\ndata: {}\n\n`)
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
  return (record) => JSON.stringify({ source: record.source, text: printRecord(record, format) } satisfies ApiText)
}

function noteEvent(note: ApiNote): Buffer {
  return Buffer.from(`event: note\ndata: ${JSON.stringify(note)}\n\n`)
}
