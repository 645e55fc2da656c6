import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ApiHealth } from '../../shared/api.ts'
import { formatTime } from '../../shared/time.ts'
import type { Context } from '../context.ts'
import { watchNodes } from '../node-metrics.ts'
import { readStatus } from '../status.ts'
import { livezSchema, metricsSchema, readyzSchema } from './overview-documents.ts'

/** GET /livez and /readyz: open to all, they tell nothing of what is stored. */
export function healthRoutes(context: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/livez',
      { schema: livezSchema, exposeHeadRoute: true },
      async (): Promise<ApiHealth> => ({ status: 'ok' }),
    )
    app.get('/readyz', { schema: readyzSchema, exposeHeadRoute: true }, async (_request, reply) => {
      const reason = whyUnready(context)
      if (reason === '') return { status: 'ok' as const, ...storeNote(context) }
      return reply.code(503).send({ status: 'unavailable', reason })
    })
  }
}

/** GET /metrics. */
export function metricsRoute(context: Context): FastifyPluginAsyncTypebox {
  const { metrics } = context
  watchNodes(metrics.registry, () => readStatus(context))
  return async (app) => {
    app.get('/metrics', { schema: metricsSchema }, async (_request, reply) => {
      reply.header('content-type', metrics.registry.contentType)
      return metrics.registry.metrics()
    })
  }
}

/** Why the server cannot serve now, '' when it can. */
export function whyUnready({ store, stopping }: Context): string {
  if (stopping.aborted) return 'the server stops'
  const { writable, reason } = store.status()
  return writable ? '' : `the store cannot be written to: ${reason}`
}

/** An operator should hear of it when a server has come up with another store than the agents knew. */
function storeNote({ completeness }: Context): { note?: string } {
  const lost = completeness.lostStore
  if (lost === undefined) return {}
  const { containers, upTo } = lost
  const note = `the store changed: lines of ${containers} containers up to ${formatTime(upTo)} were in another store, and Docker has forgotten them`
  return { note }
}
