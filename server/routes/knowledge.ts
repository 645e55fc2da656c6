import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { knowledgeOf } from '../bundle/knowledge.ts'
import type { Context } from '../context.ts'
import { NoParameters } from '../query/parameters.ts'
import { json, problems, withToken } from './documents.ts'

const Text = (description: string) => Type.String({ description })

const ApiKnowledge = Type.Object(
  {
    version: Type.String(),
    time: Text("The server's clock, nanoseconds since 1970."),
    begins: Type.Union([Type.String(), Type.Null()], { description: 'Where the store begins.' }),
    inventory: Text('What managers told of their Swarms, as the store keeps it.'),
    reports: Text('What agents told of themselves, as the store keeps it.'),
    annotations: Text('What people noted, as the store keeps it.'),
    observers: Type.Array(Type.Unknown(), { description: 'When managers last told of a Swarm.' }),
    seen: Type.Array(Type.Unknown(), { description: 'When each agent was last heard of.' }),
    streams: Type.Array(Type.Unknown(), { description: 'The labels of all streams.' }),
  },
  { title: 'Knowledge' },
)

/** GET /api/v1/knowledge. */
const knowledgeSchema = {
  operationId: 'knowledge',
  tags: ['overview'],
  summary: 'What the server knows beside the lines, for bundles',
  description: 'With it a bundle judges its answers as this server does. Its form belongs to the version of swarmlogs.',
  querystring: NoParameters,
  security: withToken,
  response: {
    200: json('All of it as it is now.', ApiKnowledge, {
      ...{
        version: '0.1.0',
        time: '1795228691386458421',
        begins: null,
        inventory: '{}',
        reports: '{}',
        annotations: '{}',
      },
      ...{ observers: [], seen: [], streams: [] },
    }),
    ...problems,
  },
}

/** GET /api/v1/knowledge: what a bundle needs to judge as this server does. */
export function knowledgeRoute(context: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/knowledge', { schema: knowledgeSchema }, () => knowledgeOf(context))
  }
}
