import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type, { type Static } from 'typebox'
import { ApiAnnotation, ApiAnnotations } from '../../shared/api/record.ts'
import type { LogStream } from '../../shared/record.ts'
import { parseTime } from '../../shared/time.ts'
import type { NewAnnotation } from '../annotations.ts'
import type { Context } from '../context.ts'
import { apiAnnotation } from '../missing.ts'
import { badParameter, ofParameter, Problem } from '../problem.ts'
import { Cursors } from '../query/cursor.ts'
import { rangeOf, scope } from '../query/parameters.ts'
import { counts, json, problem, problems, record, tooLarge, withToken, wrongMedia } from './documents.ts'

const MAX_TEXT = 4_000
const MAX_BY = 200

const example = {
  ...{ 'service.name': record['service.name'], id: '3f0c5d8b-7f3b-4f8e-9d6b-0f3d8d3b6a5e', at: counts.last },
  ...{ text: 'deploy of 1.4.2', by: 'anna', made: counts.last, cursor: record.cursor },
}

const RangeParameters = Type.Object(
  { since: scope.since, until: scope.until, timezone: scope.timezone },
  { additionalProperties: false },
)

const listSchema = {
  operationId: 'annotations',
  tags: ['logs'],
  summary: 'What people noted',
  querystring: RangeParameters,
  security: withToken,
  response: { 200: json('By time.', ApiAnnotations, { annotations: [example] }), ...problems },
}

const Wish = Type.Object(
  {
    at: Type.String({
      description: 'The cursor of a line, or a time: RFC 3339, seconds since 1970, how long ago (10m).',
      minLength: 1,
      maxLength: 4096,
    }),
    text: Type.String({ minLength: 1, maxLength: MAX_TEXT }),
    by: Type.String({ description: 'Who notes it.', minLength: 1, maxLength: MAX_BY, default: 'somebody' }),
    timezone: scope.timezone,
  },
  { additionalProperties: false, examples: [{ at: '10m', text: 'deploy of 1.4.2', by: 'anna' }] },
)

const addSchema = {
  operationId: 'annotate',
  tags: ['logs'],
  summary: 'Note something about a line or a moment, for all who look at it',
  security: withToken,
  body: Wish,
  response: { 200: json('The note.', ApiAnnotation, example), ...problems, 413: tooLarge, 415: wrongMedia },
}

const IdParameters = Type.Object({
  id: Type.String({ format: 'uuid', description: 'As answers have it.', examples: [example.id] }),
})

const removeSchema = {
  operationId: 'removeAnnotation',
  tags: ['logs'],
  summary: 'Forget what somebody noted',
  params: IdParameters,
  security: withToken,
  response: {
    200: json('It is gone.', Type.Object({ removed: Type.Literal(true) }), { removed: true }),
    ...problems,
    404: problem('There is none of this id.', 'no_such_annotation', 'cannot find this note: it is gone already', 'id'),
  },
}

/** /api/v1/annotations: what people noted about lines and moments. */
export function annotationRoutes(context: Context): FastifyPluginAsyncTypebox {
  const { annotations } = context
  return async (app) => {
    app.get('/annotations', { schema: listSchema }, async ({ query }) => ({
      annotations: (await annotations.in(rangeOf(query, context.now()))).map((one) => apiAnnotation(one, context)),
    }))
    app.post('/annotations', { schema: addSchema }, async ({ body }) => {
      const made = await annotations.add(await wishOf(context, body))
      context.onNoted(made)
      return apiAnnotation(made, context)
    })
    app.delete('/annotations/:id', { schema: removeSchema }, async ({ params }) => {
      if (await annotations.remove(params.id)) return { removed: true as const }
      const message = 'cannot find this note: it is gone already'
      throw new Problem('SWARMLOGS_NOT_FOUND', 404, { code: 'no_such_annotation', message, parameter: 'id' })
    })
  }
}

async function wishOf(context: Context, { at, text, by, timezone }: Static<typeof Wish>): Promise<NewAnnotation> {
  const common = { made: context.now(), by, text }
  const time = timeOf(at, context.now(), timezone)
  if (time !== undefined) return { ...common, from: time }
  const place = ofParameter('at', () => new Cursors(context.store.identity.id, '').place(at))
  if (place === undefined) throw badParameter('at', 'cannot use this cursor: it stands for an end, not for a line')
  const { time: from, nodeId, containerId } = place
  const isOwn = ({ stream }: { stream: LogStream }) => stream.nodeId === nodeId && stream.containerId === containerId
  const stream = (await context.store.streams()).find(isOwn)?.stream
  return { ...common, from, cursor: at, ...(stream && { stream }) }
}

/** The time that a text says; undefined when it is none, and so has to be a cursor. */
function timeOf(text: string, now: bigint, timezone: string): bigint | undefined {
  // Cursors are long and have no sign of a time in them.
  if (/^[\w-]{40,}$/.test(text)) return undefined
  return ofParameter('at', () => parseTime(text, now, timezone))
}
