import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ApiRefusal } from '../../shared/api/status.ts'
import { formatTime } from '../../shared/time.ts'
import type { Context } from '../context.ts'
import { readStatus } from '../status.ts'
import type { Refusal } from '../store/store.ts'
import { refusedSchema, statusSchema } from './status-documents.ts'

/** GET /api/v1/status and /api/v1/status/refused: how the server is. */
export function statusRoutes(context: Context): FastifyPluginAsyncTypebox {
  const { store } = context
  return async (app) => {
    app.get('/status', { schema: statusSchema }, () => readStatus(context))
    app.get('/status/refused', { schema: refusedSchema }, async (request) => {
      const refused = (await store.refusals?.(request.query.limit)) ?? []
      return { refused: refused.map(refusalOf) }
    })
  }
}

function refusalOf({ time, reason, service, containerId, excerpt }: Refusal): ApiRefusal {
  return {
    time: formatTime(time),
    reason,
    ...(service !== '' && { 'service.name': service }),
    ...(containerId !== '' && { 'container.id': containerId }),
    excerpt,
  }
}
