import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { Context } from '../context.ts'
import { sendStreamed } from './streamed.ts'

const number = Type.Optional(Type.String({ pattern: '^\\d{1,19}$' }))
const name = Type.Optional(Type.String({ maxLength: 64 }))
const querystring = Type.Object(
  {
    from: name,
    port: Type.Optional(Type.String({ pattern: '^\\d{1,5}$' })),
    instance: name,
    upTo: number,
    safe: number,
    records: Type.Optional(Type.Enum(['0', '1'])),
  },
  { additionalProperties: false },
)

/** GET /internal/v1/commits: what this server commits, for its peers; they hold the same tokens. */
export function peersRoute(context: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/internal/v1/commits', { schema: { hide: true, querystring } }, async (request, reply) => {
      const { peers } = context
      if (peers === undefined) return reply.callNotFound()
      reply.header('content-type', 'application/octet-stream')
      return sendStreamed(context, reply, (signal) => peers.subscribe(request.query, request.ip).chunks(signal))
    })
  }
}
