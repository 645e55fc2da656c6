import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ApiHealth } from '../../shared/api/basics.ts'
import type { Context } from '../context.ts'
import { watchNodes } from '../node-metrics.ts'
import { readStatus } from '../status.ts'
import { storeNote } from '../store-note.ts'
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
      const notes = [storeNote(context.completeness), absentNote(context)].filter((text) => text !== '')
      if (reason === '') return { status: 'ok' as const, ...(notes.length > 0 && { note: notes.join('; ') }) }
      return reply.code(503).send({ status: 'unavailable', reason })
    })
  }
}

/** An operator should hear of it that the archive is not found; '' when it is. Why not, which names its place, is not for all. */
function absentNote({ store }: Context): string {
  const isAbsent = store.status().absent !== undefined
  return isAbsent ? 'lines of past days may be missing: the archive is not found, see the log' : ''
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
