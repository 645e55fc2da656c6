import Type, { type TSchema } from 'typebox'
import {
  ApiEnd,
  ApiHealth,
  ApiNodes,
  ApiPage,
  ApiProblem,
  ApiRecord,
  ApiServices,
  ApiStreams,
  ApiVersion,
} from '../../shared/api.ts'
import { NoParameters, SearchParameters, StreamsParameters, TailParameters } from '../query/parameters.ts'

/*
 * Schemas of the routes: what fastify checks requests with, and the OpenAPI document at /docs/json is made of.
 */

const record = {
  '@timestamp': '2026-11-21T02:38:11.386458421Z',
  message: 'GET /cart 200',
  'log.level': 'info',
  'log.iostream': 'stdout',
  'event.received': '2026-11-21T02:38:11.412000000Z',
  'service.name': 'shop_web',
  'host.name': 'node1',
  'host.id': 'q1tkqwdmgsbk4z52zdd1ou9k5',
  'container.id': '6b0f3d8d3b6a5e2f0c5d8b7f3b5f8e1d6b0f3d8d3b6a5e2f0c5d8b7f3b5f8e1d',
  'container.name': 'shop_web.1.lfap0icnqswi0z7gzrj9rxw3p',
  'container.image.name': 'nginx:1.29',
  'docker.swarm.stack.name': 'shop',
  'docker.swarm.task.id': 'lfap0icnqswi0z7gzrj9rxw3p',
  'docker.swarm.task.slot': 1,
  cursor: 'AQDwx...',
} as const
const counts = { records: 120345, first: '2026-11-20T00:00:00.000000000Z', last: '2026-11-21T02:38:11.386458421Z' }
const line = 'shop_web.1.lfap0icnqswi@node1    | GET /cart 200'

const answer = (
  description: string,
  content: Record<string, { schema: TSchema; example?: unknown }>,
  headers?: object,
) => ({
  description,
  content,
  ...(headers && { headers }),
})
const json = (description: string, schema: TSchema, example: unknown) =>
  answer(description, { 'application/json': { schema, example } })
const problem = (description: string, code: string, message: string, parameter?: string) =>
  json(description, ApiProblem, { error: { code, message, ...(parameter && { parameter }) } })

const problems = {
  400: problem('A parameter is wrong or unknown.', 'bad_parameter', "cannot use order='up': give asc or desc", 'order'),
  401: problem(
    'No token, or a wrong one.',
    'unauthorized',
    'cannot serve this without a valid token: send Authorization: Bearer TOKEN',
  ),
  503: problem('The store cannot answer now.', 'store_unavailable', 'cannot read the store now: try again later'),
}
const withToken = [{ bearer: [] }]
const header = (description: string) => ({ description, schema: Type.String() })

/** GET /api/v1/search. */
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
        'application/json': { schema: ApiPage, example: { records: [record], cursor: null, end: true } },
        'application/x-ndjson': {
          schema: Type.Union([ApiRecord, ApiEnd, ApiProblem], {
            description: 'One of these a line; the last line is an End or a Problem.',
          }),
          example: { end: true, cursor: null, records: 1 },
        },
        'text/plain': { schema: Type.String(), example: `${line}\n` },
        'application/vnd.docker.multiplexed-stream': {
          schema: Type.String({
            description:
              'Frames: type (1 stdout, 2 stderr, 3 error that cut the answer off), three zeros, length (32 bit, big endian), text.',
          }),
          example: `\u0001\u0000\u0000\u0000\u0000\u0000\u0000\u0031${line}\n`,
        },
      },
      {
        'swarmlogs-targets': header('Services that a target was widened to, with commas between them.'),
        'swarmlogs-begins': header('Where the store begins, when `since` reaches back further.'),
        'swarmlogs-matched': header('How many streams the search covers.'),
      },
    ),
    ...problems,
    404: problem(
      'A target stands for nothing.',
      'no_such_target',
      "cannot find a service or task 'wbe': did you mean shop_web?",
      'target',
    ),
    406: problem(
      'None of the accepted forms can be had.',
      'not_acceptable',
      'cannot answer as image/png: accept application/json',
    ),
  },
}

/** GET /api/v1/tail. */
export const tailSchema = {
  operationId: 'tail',
  tags: ['logs'],
  summary: 'Follow the lines',
  description:
    'Server-sent events: history (`since` or `n`; none by default), the event `live`, then lines as they are stored. The data of an event is a Record, or with ' +
    'format=text {source, text}; its id is a cursor, and repeating the request with it as Last-Event-ID goes on with nothing missing or doubled. ' +
    'Events `note` have {code, message}: waiting, targets, begins, slow, shutdown, error, until; a comment comes every 15 s when nothing else does.',
  querystring: TailParameters,
  headers: Type.Object({
    'last-event-id': Type.Optional(
      Type.String({ description: 'Id of the last event that was taken.', examples: ['AQHwx...'] }),
    ),
  }),
  security: withToken,
  response: {
    200: answer('Events, without end.', {
      'text/event-stream': {
        schema: Type.String(),
        example: `id: AQHwx...\ndata: ${JSON.stringify(record)}\n\nevent: live\ndata: {}\n\n`,
      },
    }),
    ...problems,
  },
}

/** GET /api/v1/services. */
export const servicesSchema = {
  operationId: 'services',
  tags: ['overview'],
  summary: 'Services that have lines or are in the Swarm',
  querystring: NoParameters,
  security: withToken,
  response: {
    200: json('All services by name.', ApiServices, {
      services: [
        {
          name: 'shop_web',
          id: 'mzzx1ebtv4yvpz5emwwtmf9zr',
          stack: 'shop',
          mode: 'replicated',
          replicas: 3,
          image: 'nginx:1.29',
          update: 'completed',
          ...counts,
          current: true,
        },
      ],
    }),
    ...problems,
  },
}

/** GET /api/v1/nodes. */
export const nodesSchema = {
  operationId: 'nodes',
  tags: ['overview'],
  summary: 'Nodes that have lines or are in the Swarm',
  querystring: NoParameters,
  security: withToken,
  response: {
    200: json('All nodes by name.', ApiNodes, {
      nodes: [
        {
          id: record['host.id'],
          name: 'node1',
          role: 'manager',
          availability: 'active',
          state: 'ready',
          engine: '26.1.5',
          agent_seen: counts.last,
          records: counts.records,
          last: counts.last,
        },
      ],
    }),
    ...problems,
  },
}

/** GET /api/v1/streams. */
export const streamsSchema = {
  operationId: 'streams',
  tags: ['overview'],
  summary: 'Streams: the labels and counts of each container',
  querystring: StreamsParameters,
  security: withToken,
  response: {
    200: json('The streams by service.', ApiStreams, {
      streams: [{ 'service.name': 'shop_web', 'docker.swarm.task.slot': 1, ...counts }],
    }),
    ...problems,
  },
}

/** GET /api/v1/version. */
export const versionSchema = {
  operationId: 'version',
  tags: ['overview'],
  summary: 'Versions, the identity of the store, and the clock',
  querystring: NoParameters,
  security: withToken,
  response: {
    200: json('What answers here.', ApiVersion, {
      version: '0.1.0',
      api: 'v1',
      node: '24.21.0',
      store: { id: '3f0c5d8b-7f3b-4f8e-9d6b-0f3d8d3b6a5e', epoch: 1 },
      time: counts.last,
    }),
    ...problems,
  },
}

const health = { tags: ['health'], querystring: NoParameters, security: [] }
const ok = json('It is.', ApiHealth, { status: 'ok' })

/** GET /livez. */
export const livezSchema = {
  ...health,
  operationId: 'livez',
  summary: 'Whether the server is alive',
  response: { 200: ok, 400: problems[400] },
}

/** GET /readyz. */
export const readyzSchema = {
  ...health,
  operationId: 'readyz',
  summary: 'Whether the store can be written to',
  response: {
    200: ok,
    400: problems[400],
    503: json('It is not.', ApiHealth, {
      status: 'unavailable',
      reason: 'the store cannot be written to: the disk is full',
    }),
  },
}

/** GET /metrics. */
export const metricsSchema = {
  operationId: 'metrics',
  tags: ['health'],
  summary: 'Metrics for Prometheus',
  querystring: NoParameters,
  security: withToken,
  response: {
    200: answer('All metrics.', {
      'text/plain': { schema: Type.String(), example: 'swarmlogs_build_info{version="0.1.0",node="24.21.0"} 1\n' },
    }),
    400: problems[400],
    401: problems[401],
  },
}
