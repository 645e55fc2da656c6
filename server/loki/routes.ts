import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import { Problem, problemOf, serverStops, wrongBodyType } from '../problem.ts'
import { whyUnready } from '../routes/health.ts'
import { clientGone } from '../routes/streamed.ts'
import { Turns } from '../turns.ts'
import { requireTokenOrPassword } from './auth.ts'
import { detectedLabels, indexStats, labelNames, labelValues, series } from './catalog.ts'
import { detectedFields, detectedFieldValues } from './detected-fields.ts'
import { parseLogQl } from './logql/parse.ts'
import { isApart, Parameters } from './parameters.ts'
import { type Asked, queryInstant, queryRange } from './queries.ts'
import { tailRoute } from './tail.ts'
import { volume, volumeRange } from './volume.ts'

type Answer = (context: Context, asked: Asked, name: string) => Promise<string>

/** What answers each address under /loki/api/v1. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  query_range: queryRange,
  query: queryInstant,
  labels: labelNames,
  label: labelNames,
  'label/:name/values': labelValues,
  series,
  'index/stats': indexStats,
  'index/volume': volume,
  'index/volume_range': volumeRange,
  detected_labels: detectedLabels,
  detected_fields: detectedFields,
  'detected_field/:name/values': detectedFieldValues,
  format_query: formatQuery,
  'status/buildinfo': async ({ version }) => buildInfo(version),
}

const FORM = 'application/x-www-form-urlencoded'

/** What Loki answers, so that Grafana's data source for Loki and logcli can be used. It is no part of our own API's description. */
export function lokiRoutes(context: Context, tokens: () => readonly string[]): FastifyPluginAsync {
  return async (app) => {
    const turns = new Turns()
    speakAsLoki(app, context)
    requireTokenOrPassword(app, tokens)
    app.addContentTypeParser(FORM, { parseAs: 'string' }, (_request, body, done) => done(null, body))
    for (const [path, answer] of Object.entries(ANSWERS)) {
      const handler = (request: FastifyRequest, reply: FastifyReply) =>
        serve({ context, turns }, answer, request, reply)
      app.route({ method: ['GET', 'POST'], url: `/api/v1/${path}`, schema: { hide: true }, handler })
    }
    await app.register(tailRoute(context, turns))
  }
}

/** GET /ready, open to all as /readyz is. */
export function readyRoute(context: Context): FastifyPluginAsync {
  return async (app) => {
    app.get('/ready', { schema: { hide: true } }, async (_request, reply) => {
      const reason = whyUnready(context)
      reply.type('text/plain; charset=utf-8')
      return reason === '' ? 'ready\n' : reply.code(503).send(`${reason}\n`)
    })
  }
}

function speakAsLoki(app: FastifyInstance, context: Context): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, message } = wrongBodyType(error, request.headers['content-type'], [FORM]) ?? problemOf(error)
    if (status === 500) context.log.error({ err: error, url: request.url }, 'request failed')
    return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify({ message }))
  })
  app.setNotFoundHandler((request) => {
    const message = `cannot ${request.method} ${request.url.slice(0, 200)}: this part of Loki's API is not supported here`
    throw new Problem('SWARMLOGS_NOT_FOUND', 404, { code: 'no_such_address', message })
  })
}

async function serve(
  { context, turns }: { readonly context: Context; readonly turns: Turns },
  answer: Answer,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const start = performance.now()
  reply.raw.once('close', () => context.metrics.answered('loki', (performance.now() - start) / 1000))
  const signal = AbortSignal.any([clientGone(reply), context.stopping])
  const asked = { parameters: new Parameters(request, context.now()), isApart: isApart(request), signal, turns }
  const { name = '' } = request.params as { name?: string }
  try {
    const text = await answer(context, asked, name)
    return reply.type('application/json; charset=utf-8').send(text)
  } catch (error) {
    throw signal.aborted ? serverStops() : error
  }
}

async function formatQuery(_context: Context, { parameters }: Asked): Promise<string> {
  const text = parameters.text('query')
  parseLogQl(text)
  return JSON.stringify({ status: 'success', data: text.trim() })
}

function buildInfo(version: string): string {
  return JSON.stringify({ version, revision: '', branch: '', buildDate: '', buildUser: 'swarmlogs', goVersion: '' })
}
