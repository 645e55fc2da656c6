import Type from 'typebox'
import { ApiAnnotationLine, ApiEnd, ApiGapLine, ApiPage } from '../../shared/api/answers.ts'
import { ApiProblem } from '../../shared/api/basics.ts'
import { ApiRecord } from '../../shared/api/record.ts'
import { SearchParameters, TailParameters } from '../query/parameters.ts'
import {
  answer,
  completeness,
  gap,
  headersOfSearch,
  noSuchTarget,
  notModified,
  problem,
  problems,
  record,
  tooMany,
  withToken,
} from './documents.ts'

const line = 'shop_web.1.lfap0icnqswi@node1    | GET /cart 200'

/** /api/v1/search. */
export const searchSchema = {
  operationId: 'search',
  tags: ['logs'],
  summary: 'Search the lines',
  description:
    'One page of JSON, or with another Accept a stream: NDJSON, text ready to print, or stdout and stderr apart as Docker multiplexes them.',
  querystring: SearchParameters,
  security: withToken,
  response: {
    200: answer(
      'The lines, in the total order of time, node, container, source.',
      {
        'application/json': {
          schema: ApiPage,
          example: { records: [record], cursor: null, end: true, gaps: [gap], completeness },
        },
        'application/x-ndjson': {
          schema: Type.Union([ApiRecord, ApiGapLine, ApiAnnotationLine, ApiEnd, ApiProblem], {
            description:
              'One of these a line, gaps in their places; the last line is an End or a Problem. With `;with=annotations` in Accept also what people noted, in its place.',
          }),
          example: { end: true, cursor: null, records: 1, completeness },
        },
        'text/plain': { schema: Type.String(), example: `${line}\n` },
        'application/vnd.docker.multiplexed-stream': {
          schema: Type.String({
            description:
              'Frames: type (1 stdout, 2 stderr, 3 error that cut the answer off), three zeros, length (32 bit, big endian), text. With `;trailer=completeness` in Accept a last frame of type 4 holds a Trailer as JSON.',
          }),
          example: `\u0001\u0000\u0000\u0000\u0000\u0000\u0000\u0031${line}\n`,
        },
        'application/vnd.swarmlogs.archive': {
          schema: Type.String({
            description:
              'NDJSON with all that is stored of lines, for bundles: a head; `{"stream", "labels"}` before the first line of each stream; lines ' +
              'as `[stream, source, time, received, ordinal, level, cut from, head missing, message, fields]`; `{"gap"}`; an End or a Problem.',
          }),
          example:
            '{"store":{"id":"3f0c5d8b-7f3b-4f8e-9d6b-0f3d8d3b6a5e","epoch":0},"received":"1795228691386458421"}\n',
        },
      },
      {
        'swarmlogs-completeness': {
          description: 'Text, as an HTTP trailer: `complete`, `partial` or `unknown; nodes=N; gaps=N`.',
          schema: Type.String(),
        },
        ...headersOfSearch,
        'swarmlogs-records': {
          description:
            'How many lines there are, where the catalog tells: without `since`, `n`, `grep`, `q`, `source` and `cursor`, and when `until` cuts through no stream.',
          schema: Type.String(),
        },
      },
    ),
    304: notModified,
    ...problems,
    404: noSuchTarget,
    406: problem(
      'None of the accepted forms can be had.',
      'not_acceptable',
      'cannot answer as image/png: accept application/json',
    ),
    429: tooMany,
  },
}

const TailAddress = Type.Object(
  {
    ...TailParameters.properties,
    parameters: Type.Optional(
      Type.Enum(['message'], {
        type: 'string',
        description: 'Of a WebSocket: its first message has the parameters, and the address no other one.',
        examples: ['message'],
      }),
    ),
  },
  { additionalProperties: false },
)

/** /api/v1/tail. */
export const tailSchema = {
  operationId: 'tail',
  tags: ['logs'],
  summary: 'Follow the lines',
  description:
    'Server-sent events: history (`since` or `n`; none by default), the event `live`, then lines as they are stored. The data of an event is a Record, or with ' +
    'format=text {source, text}; its id is a cursor, and repeating the request with it as Last-Event-ID goes on with nothing missing or doubled. ' +
    'With `events` each is sent when it is complete, or got no line for half a second; a tail that is taken up again may repeat lines of those that were being written. ' +
    'Events `note` have {code, message}: waiting, targets, begins, stopped (the history took longer than a query may, and is but a part), slow, shutdown, error, until. An event `gap` has a Gap, an event `annotation` an Annotation, and an event `completeness`, before `live` and whenever ' +
    'the verdict on the lines that come in changes, a Completeness; who accepts `text/event-stream;with=tasks` gets events `task` {change, service, slot, task, container, node} when tasks come, with their first line, and go. A comment comes every 15 s when nothing else does. ' +
    'A request by GET may become a WebSocket, with the events as JSON messages {event, id, data}; its parameters are those of its address, or, where they are too long for one, with ' +
    '`parameters=message` those of the first message, which is the JSON that POST takes and must come within 10 s. What is wrong with it is told by a message {event: "problem", data: Problem} and as the reason of the close. A browser, which can set no header on a WebSocket, offers two protocols: `swarmlogs`, and `swarmlogs.bearer.` with the token in base64url.',
  querystring: TailAddress,
  headers: Type.Object({
    'last-event-id': Type.Optional(
      Type.String({ description: 'Id of the last event that was taken.', examples: ['AQHwx...'] }),
    ),
  }),
  security: withToken,
  response: {
    101: {
      description: 'The events as JSON messages over a WebSocket, by GET with `Upgrade: websocket`.',
      type: 'null',
    },
    200: answer('Events, without end.', {
      'text/event-stream': {
        schema: Type.String(),
        example: `id: AQHwx...\ndata: ${JSON.stringify(record)}\n\nevent: live\ndata: {}\n\n`,
      },
    }),
    ...problems,
  },
}
