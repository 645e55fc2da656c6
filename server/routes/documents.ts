import Type, { type TObject, type TSchema } from 'typebox'
import { ApiProblem } from '../../shared/api/basics.ts'

/*
 * What the schemas of the routes are made of. Fastify checks requests with them, and makes the OpenAPI document at /docs/json.
 */

/** A record, as examples show it. */
export const record = {
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
/** A verdict, as examples show it. */
export const completeness = {
  verdict: 'partial',
  membership: 'known',
  nodes: [{ id: 'q1tkqwdmgsbk4z52zdd1ou9k5', name: 'node3', reason: 'down', up_to: '2026-11-21T02:38:11.386458421Z' }],
  gaps: 1,
  unreadable: [],
  lossy: [],
} as const
/** A gap, as examples show it. */
export const gap = {
  'service.name': 'shop_web',
  'host.name': 'node2',
  'docker.swarm.task.slot': 3,
  from: '2026-11-21T10:02:11.000000000Z',
  to: '2026-11-21T10:02:40.000000000Z',
  reason: 'rotated',
  at_least: 120,
} as const
/** Counts, as examples show them. */
export const counts = {
  records: 120345,
  first: '2026-11-20T00:00:00.000000000Z',
  last: '2026-11-21T02:38:11.386458421Z',
}

/** An answer with one schema and example per media type. */
export const answer = (
  description: string,
  content: Record<string, { schema: TSchema; example?: unknown }>,
  headers?: object,
) => ({
  description,
  content,
  ...(headers && { headers }),
})
/** An answer in JSON. */
export const json = (description: string, schema: TSchema, example: unknown) =>
  answer(description, { 'application/json': { schema, example } })
/** An answer that says what is wrong. */
export const problem = (description: string, code: string, message: string, parameter?: string) =>
  json(description, ApiProblem, { error: { code, message, ...(parameter && { parameter }) } })

/** The problems that every address below /api/v1 can have. */
export const problems = {
  400: problem('A parameter is wrong or unknown.', 'bad_parameter', "cannot use order='up': give asc or desc", 'order'),
  401: problem(
    'No token, or a wrong one.',
    'unauthorized',
    'cannot serve this without a valid token: send Authorization: Bearer TOKEN',
  ),
  431: problem(
    'The address is too long.',
    'bad_request',
    'cannot read an address and headers of over 16 KiB: send the parameters as JSON by POST',
  ),
  503: problem('The store cannot answer now.', 'store_unavailable', 'cannot read the store now: try again later'),
}
/** The problem of a question that would have to wait for too many others. */
export const tooMany = problem(
  'Too many questions wait for their turn.',
  'too_many_queries',
  'cannot take another query: 64 wait for their turn already; try again later, or ask fewer at once',
)
/** The problem of a target that is not there. */
export const noSuchTarget = problem(
  'A target stands for nothing.',
  'no_such_target',
  "cannot find a service or task 'wbe': did you mean shop_web?",
  'target',
)
const header = (description: string) => ({ description, schema: Type.String() })
/** What is said beside the answer to a search. */
export const headersOfSearch = {
  'swarmlogs-targets': header('Services that a target was widened to, with commas between them.'),
  'swarmlogs-begins': header('Where the store begins, when `since` reaches back further.'),
  'swarmlogs-matched': header('How many streams the search covers.'),
}
/** The client has the answer that it would get. */
export const notModified = { description: 'The answer with this ETag is still right.', type: 'null' }
/** Asks for a token, where the server has any. */
export const withToken = [{ bearer: [] }]
/** The problems of a body. */
export const tooLarge = problem(
  'The body is too large.',
  'bad_request',
  'cannot serve this request: Request body is too large',
)
export const wrongMedia = problem(
  'The body is of another media type.',
  'bad_request',
  "cannot read a body of Content-Type 'text/csv': send it as application/json or application/x-www-form-urlencoded",
)
/** How much an answer tells of, as examples show it. */
export const examined = { records: 200_000, limited: true, from: counts.first } as const
/** The document of a question that is answered in JSON, about lines that its parameters choose. */
export const question = <Parameters extends TObject>(
  about: { operationId: string; summary: string; description: string },
  querystring: Parameters,
  response: { description: string; schema: TSchema; example: unknown },
) => ({
  ...about,
  tags: ['logs'],
  querystring,
  security: withToken,
  response: {
    200: answer(
      response.description,
      { 'application/json': { schema: response.schema, example: response.example } },
      headersOfSearch,
    ),
    304: notModified,
    ...problems,
    404: noSuchTarget,
    429: tooMany,
  },
})
