import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { buildApp } from './app.ts'
import { Certificate } from './certificate.ts'
import { Closers } from './closers.ts'
import { isLoopback, type ServerConfig } from './config.ts'
import type { Context } from './context.ts'
import { createContext } from './create-context.ts'
import { type ForwardListener, startForward } from './input/forward/listener.ts'
import { hostText, listenHttp } from './listen.ts'
import { Mirror } from './mirror/mirror.ts'
import { reloadRegularly } from './reload.ts'
import { Retention } from './retention.ts'
import { Secrets } from './secrets.ts'
import { openStore } from './store/open.ts'

/** All of the stop must fit in 10 s. */
const ACK_MS = 2_000
const FINISH_MS = 2_000
const CUT_MS = 3_500
const STOP_MS = 9_500

/** Where the server listens. */
export interface ServerAddresses {
  /** URL of the HTTP API. */
  readonly http: string
  /** HOST:PORT for agents. */
  readonly forward: string
}

/** Runs the server until the signal aborts, then stops it within 10 s: what was received is stored and acked, or neither. */
export async function runServer(
  config: ServerConfig,
  log: Logger,
  signal: AbortSignal,
  onReady?: (addresses: ServerAddresses) => void,
): Promise<void> {
  const closers = new Closers()
  try {
    const addresses = await start(config, log, closers)
    log.info({ ...addresses }, 'server is ready')
    onReady?.(addresses)
    if (!signal.aborted) await once(signal, 'abort')
    log.info('server stops')
  } finally {
    await closers.close(log, STOP_MS)
  }
}

async function start(config: ServerConfig, log: Logger, closers: Closers): Promise<ServerAddresses> {
  const tokens = new Secrets(config.tokens, log)
  const sharedKeys = new Secrets(config.sharedKeys, log)
  const certificate = config.tls && new Certificate(config.tls, log)
  const retention = new Retention({ defaultMs: config.retentionMs, rules: config.retentionRules ?? [], log })
  const store = await openStore({ ...config, retention, log })
  closers.add(() => store.close())
  const stopping = new AbortController()
  const context = await createContext({
    ...{ store, log, stopping: stopping.signal, peers: config.peers, queryMs: config.queryMs },
    token: () => tokens.values[0],
    certificate: () => certificate?.pair.cert,
  })
  retention.learn((serviceId) => context.inventories.service(serviceId)?.retention)
  const mirror = config.mirror && (await Mirror.open({ ...config.mirror, retentionMs: config.retentionMs }, context))
  closers.add(() => mirror?.close())
  const localOnly = tokens.values.length === 0 && isLoopback(config.http.host)
  closers.add(() => context.completeness.close())
  const app = await buildApp(context, { tokens: () => tokens.values, tls: certificate?.pair, localOnly })
  const http = await listenHttp(app, config.http)
  closers.add(() => closeApp(app, context, stopping))
  closers.add(() => context.peers?.close())
  // Before this server takes lines its peers must listen to it.
  await context.peers?.start((app.server.address() as AddressInfo).port)
  // Before the peers are heard it is unknown which commits are still to come.
  mirror?.start()
  const forward = await startForward({
    listen: config.forward,
    sharedKeys: () => sharedKeys.values,
    tls: () => certificate?.pair,
    ingest: context.ingestor,
    identity: () => store.identity,
    lineage: () => store.lineage,
    noteOpening: () => store.noteOpening?.(),
    retentionMs: Number(retention.longestNs / 1_000_000n),
    log,
    metrics: context.metrics.forward,
  })
  closers.add(() => forward.close(ACK_MS))
  closers.add(keepUpToDate({ tokens, sharedKeys, certificate, app, forward }))
  return {
    http: `${certificate ? 'https' : 'http'}://${http}`,
    forward: `${hostText(config.forward.host)}:${forward.port}`,
  }
}

interface Reloadable {
  readonly tokens: Secrets
  readonly sharedKeys: Secrets
  readonly certificate: Certificate | undefined
  readonly app: FastifyInstance
  readonly forward: ForwardListener
}

function keepUpToDate({ tokens, sharedKeys, certificate, app, forward }: Reloadable): () => void {
  return reloadRegularly(() => {
    tokens.reload()
    sharedKeys.reload()
    if (certificate === undefined || !certificate.reload()) return
    forward.reloadTls()
    if ('setSecureContext' in app.server) {
      const server = app.server as unknown as TlsServer
      server.setSecureContext({ ...certificate.pair, minVersion: 'TLSv1.2' })
    }
  })
}

/** Tails end with a note, other answers may finish for a while, then are cut off with an error, then their connections are. */
async function closeApp(app: FastifyInstance, { live }: Context, stopping: AbortController): Promise<void> {
  live.close()
  const closed = app.close()
  const finish = setTimeout(() => stopping.abort(), FINISH_MS)
  const cut = setTimeout(() => app.server.closeAllConnections(), CUT_MS)
  await closed
  clearTimeout(finish)
  clearTimeout(cut)
}
