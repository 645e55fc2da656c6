import { isIP } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { requireToken } from './auth.ts'
import type { Context } from './context.ts'
import { lokiRoutes, readyRoute } from './loki/routes.ts'
import { Problem, problemOf, problemOfValidation, wrongBodyType } from './problem.ts'
import { annotationRoutes } from './routes/annotations.ts'
import { archiveRoutes } from './routes/archive.ts'
import { backupRoute } from './routes/backup.ts'
import { compressAnswers } from './routes/compressed.ts'
import { contextRoute } from './routes/context.ts'
import { countRoutes } from './routes/count.ts'
import { fieldsRoutes } from './routes/fields.ts'
import { keepFinal } from './routes/final.ts'
import { healthRoutes, metricsRoute } from './routes/health.ts'
import { ingestRoute } from './routes/ingest.ts'
import { knowledgeRoute } from './routes/knowledge.ts'
import { isWebSocket, openSockets } from './routes/messages.ts'
import { watchMethods } from './routes/methods.ts'
import { overviewRoutes } from './routes/overview.ts'
import { patternsRoute } from './routes/patterns.ts'
import { peersRoute } from './routes/peers.ts'
import { published } from './routes/published.ts'
import { searchRoute } from './routes/search.ts'
import { statsRoute } from './routes/stats.ts'
import { statusRoutes } from './routes/status.ts'
import { tailRoute } from './routes/tail.ts'
import { answerUnreadable } from './unreadable.ts'

/** More than the places for streamed answers; beyond, connections are refused. */
const MAX_CONNECTIONS = 4096

/** Of the pages at /docs; the plugin's own has browsers ask for their parts by https, which is not there without a certificate. */
const CONTENT_POLICY = {
  'default-src': "'self'",
  'base-uri': "'self'",
  'form-action': "'self'",
  'frame-ancestors': "'none'",
  'img-src': "'self' data:",
  'object-src': "'none'",
  'script-src': "'self'",
}

/** How the HTTP server is made. */
export interface AppOptions {
  readonly tokens: () => readonly string[]
  /** Serve HTTPS with these. */
  readonly tls?: SecureContextOptions | undefined
  /** Only names of this machine are served: without a token, a web page that had its own name point here could read all. */
  readonly localOnly?: boolean
}

/** Makes the HTTP server; it does not listen yet. */
export async function buildApp(context: Context, options: AppOptions): Promise<FastifyInstance> {
  const app = create(context, options)
  app.setErrorHandler((error, request, reply) => {
    const { config } = request.routeOptions
    const problem = wrongBodyType(error, request.headers['content-type'], config.bodyTypes) ?? problemOf(error)
    if (problem.status === 500) context.log.error({ err: error, url: request.url }, 'request failed')
    return reply.code(problem.status).type('application/json; charset=utf-8').send(JSON.stringify(problem.body))
  })
  const wrongMethod = watchMethods(app)
  app.setNotFoundHandler((request, reply) => {
    const wrong = wrongMethod(request.method, request.url)
    if (wrong === undefined) throw noSuchAddress(request.method, request.url)
    reply.header('allow', wrong.allow)
    throw wrong.problem
  })
  // First of all: who is refused further on must be known for one who asked for a WebSocket.
  await openSockets(app)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
    if (options.localOnly && !isLocalName(request.hostname)) throw foreignName(request.hostname)
  })
  keepFinal(app)
  await compressAnswers(app)
  await app.register(swagger, { openapi: DOCUMENT(context.version), transform: published })
  // It tells nothing of what is stored, and a browser cannot send a token to get at it: its page asks for one to try things out.
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: CONTENT_POLICY })
  await app.register(healthRoutes(context))
  await app.register(readyRoute(context))
  await app.register(lokiRoutes(context, options.tokens), { prefix: '/loki' })
  await app.register(async (scope) => {
    await requireToken(scope, options.tokens)
    await scope.register(metricsRoute(context))
    await scope.register(searchRoute(context), { prefix: '/api/v1' })
    await scope.register(countRoutes(context), { prefix: '/api/v1' })
    for (const routes of [contextRoute, fieldsRoutes, statsRoute, patternsRoute])
      await scope.register(routes(context), { prefix: '/api/v1' })
    await scope.register(ingestRoute(context), { prefix: '/api/v1' })
    await scope.register(tailRoute(context), { prefix: '/api/v1' })
    await scope.register(overviewRoutes(context), { prefix: '/api/v1' })
    await scope.register(statusRoutes(context), { prefix: '/api/v1' })
    await scope.register(annotationRoutes(context), { prefix: '/api/v1' })
    await scope.register(knowledgeRoute(context), { prefix: '/api/v1' })
    await scope.register(archiveRoutes(context), { prefix: '/api/v1' })
    await scope.register(backupRoute(context), { prefix: '/api/v1' })
    await scope.register(peersRoute(context))
  })
  return app
}

function create({ log }: Context, { tls }: AppOptions): FastifyInstance {
  const options = {
    loggerInstance: log.child({}, { level: log.isLevelEnabled('debug') ? 'debug' : 'warn' }) as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: !log.isLevelEnabled('debug') }),
    bodyLimit: 64 * 1024,
    // What is too long is told by the schemas, in our own form.
    routerOptions: { maxParamLength: 16 * 1024 },
    // A request that is sent slower than this is an attack; answers may take as long as they like.
    requestTimeout: 30_000,
    forceCloseConnections: 'idle' as const,
    // Java's client asks each server for HTTP/2 in this way: that is answered by HTTP/1.1.
    http: { shouldUpgradeCallback: isWebSocket },
    ajv: { customOptions: { removeAdditional: false as const, verbose: true, coerceTypes: 'array' as const } },
    schemaErrorFormatter: problemOfValidation,
    clientErrorHandler: answerUnreadable,
  }
  const app =
    tls === undefined
      ? Fastify(options)
      : Fastify({ ...options, https: { ...tls, ...options.http, minVersion: 'TLSv1.2' } })
  app.server.maxConnections = MAX_CONNECTIONS
  return (app as unknown as FastifyInstance).withTypeProvider<TypeBoxTypeProvider>() as unknown as FastifyInstance
}

const DOCUMENT = (version: string) => ({
  openapi: '3.1.0',
  info: {
    title: 'swarmlogs',
    description:
      'Lines of all containers of a Docker Swarm: searched, followed, and an overview of what there is. Addresses that take GET take HEAD, too; other methods than those listed are answered 405 with Allow.',
    version,
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  tags: [
    { name: 'logs', description: 'The lines.' },
    { name: 'overview', description: 'What there is.' },
    { name: 'archive', description: 'Days that are archived.' },
    { name: 'health', description: 'For orchestrators and monitoring.' },
  ],
  components: {
    securitySchemes: {
      bearer: { type: 'http' as const, scheme: 'bearer', description: 'A token of the server, where it has any.' },
    },
  },
})

function noSuchAddress(method: string, url: string): Problem {
  const message = `cannot ${method} ${url.slice(0, 200)}: there is no such address; /docs lists all`
  return new Problem('SWARMLOGS_NOT_FOUND', 404, { code: 'no_such_address', message })
}

function foreignName(hostname: string): Problem {
  const message = `cannot serve the host name '${hostname.slice(0, 200)}' without a token: use 127.0.0.1 or localhost, or set SWARMLOGS_TOKEN_FILE`
  return new Problem('SWARMLOGS_UNAUTHORIZED', 403, { code: 'forbidden_host', message })
}

function isLocalName(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, '')
  return name === '' || name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0
}
