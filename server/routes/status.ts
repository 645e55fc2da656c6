import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ApiRefusal, ApiStoreStatus } from '../../shared/status.ts'
import { formatTime } from '../../shared/time.ts'
import type { Context } from '../context.ts'
import type { Refusal, Store } from '../store/store.ts'
import { refusedSchema, statusSchema } from './status-documents.ts'

/** GET /api/v1/status and /api/v1/status/refused: how the server is. */
export function statusRoutes({ store, version, now }: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/status', { schema: statusSchema }, async () => ({
      version,
      time: formatTime(now()),
      store: storeStatus(store),
    }))
    app.get('/status/refused', { schema: refusedSchema }, async (request) => {
      const refused = (await store.refusals?.(request.query.limit)) ?? []
      return { refused: refused.map(refusalOf) }
    })
  }
}

function storeStatus(store: Store): ApiStoreStatus {
  const { reason, begins, damaged, refused = 0, ...status } = store.status()
  return {
    ...{ kind: store.kind, id: store.identity.id, epoch: store.identity.epoch },
    ...status,
    ...(reason !== '' && { reason }),
    ...(begins !== undefined && { begins: formatTime(begins) }),
    damaged: [...damaged],
    refused,
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
