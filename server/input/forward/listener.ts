import { once } from 'node:events'
import { type AddressInfo, createServer as createPlainServer, type Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { SecureContextOptions } from 'node:tls'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import type { Logger } from 'pino'
import { SwarmlogsError } from '../../../shared/errors.ts'
import { programVersion } from '../../../shared/version.ts'
import type { Ingest } from '../../ingest.ts'
import type { Lineage, StoreIdentity } from '../../store/store.ts'
import { Budget } from './budget.ts'
import { Complaints } from './complaints.ts'
import { Connections } from './connections.ts'
import type { ForwardContext } from './context.ts'
import { CONNECTIONS, LOGIN_MS, TOTAL_BYTES } from './limits.ts'
import { type ForwardMetrics, NO_METRICS } from './metrics.ts'

const TICK_MS = 1000
const KEEPALIVE_MS = 30_000

export interface ForwardOptions {
  readonly listen: { readonly host: string; readonly port: number }
  /** The keys that are valid now; with none, every sender is let in. */
  readonly sharedKeys: () => readonly string[]
  /** The certificate and key to use now; read at the start and by `reloadTls`. Absent: no TLS. */
  readonly tls?: () => SecureContextOptions | undefined
  readonly ingest: Ingest
  readonly identity: () => StoreIdentity
  /** How far the store has come, where agents can be told; by default they cannot. */
  readonly lineage?: () => Lineage | undefined
  /** Awaited before an agent is told that. */
  readonly noteOpening?: () => Promise<void> | undefined
  /** How long lines are kept, which agents are told. */
  readonly retentionMs?: number
  readonly log: Logger
  readonly metrics?: ForwardMetrics
  /** Connections that may be let in; 1024. */
  readonly maxConnections?: number
}

export interface ForwardListener {
  readonly port: number
  readonly address: string
  /** Stops listening and reading, waits up to `graceMs` for the store to take what was read, acks it, and closes all connections. */
  close(graceMs: number): Promise<void>
  /** Uses what `tls` gives now for new connections; throws, and keeps the old, when that is no valid certificate. */
  reloadTls(): void
}

/** Listens for senders that speak the Fluentd forward protocol v1: our agents and any others. Rejects when the address cannot be had. */
export async function startForward(options: ForwardOptions): Promise<ForwardListener> {
  const { listen, log, tls, maxConnections = CONNECTIONS } = options
  const end = new AbortController()
  const context = contextOf(options, end.signal)
  const server = createServer(tls?.(), context.complaints, context.metrics)
  const served = isTls(server) ? 'secureConnection' : 'connection'
  const connections = new Connections(server, served, context, maxConnections)
  try {
    server.listen(listen)
    await once(server, 'listening')
  } catch (cause) {
    const place = `${listen.host}:${listen.port}`
    throw new SwarmlogsError(
      'SWARMLOGS_CONFIG',
      `cannot listen for forward senders on ${place}; choose another address`,
      { cause },
    )
  }
  // Out of file descriptors, say: the listener stays, and takes connections again when it can.
  server.on('error', (err) => log.error({ err }, 'forward input cannot accept connections'))
  const timer = setInterval(() => connections.tick(Date.now()), TICK_MS)
  timer.unref()
  const { port, address } = server.address() as AddressInfo
  log.info({ address, port, tls: isTls(server) }, 'forward input listening')
  return {
    port,
    address,
    async close(graceMs) {
      await close(server, connections, end, graceMs)
      clearInterval(timer)
    },
    reloadTls() {
      const secure = tls?.()
      if (isTls(server) && secure !== undefined) server.setSecureContext({ ...TLS_OPTIONS, ...secure })
    },
  }
}

const TLS_OPTIONS = { minVersion: 'TLSv1.2', handshakeTimeout: LOGIN_MS } as const
/** A sender may close its side and still wait for acks. */
const SOCKET_OPTIONS = {
  allowHalfOpen: true,
  keepAlive: true,
  keepAliveInitialDelay: KEEPALIVE_MS,
  noDelay: true,
} as const

function contextOf(options: ForwardOptions, signal: AbortSignal): ForwardContext {
  const { sharedKeys, ingest, identity, lineage = () => undefined, noteOpening = () => undefined } = options
  const { retentionMs, log, metrics = NO_METRICS } = options
  return {
    sharedKeys,
    ingest,
    identity,
    lineage,
    noteOpening,
    retentionMs,
    log,
    metrics,
    version: programVersion(),
    complaints: new Complaints(log),
    budget: new Budget(TOTAL_BYTES),
    partialsHeld: { bytes: 0 },
    signal,
  }
}

function createServer(
  secure: SecureContextOptions | undefined,
  complaints: Complaints,
  metrics: ForwardMetrics,
): Server {
  if (secure === undefined) return createPlainServer(SOCKET_OPTIONS)
  const server = createTlsServer({ ...SOCKET_OPTIONS, ...TLS_OPTIONS, ...secure })
  server.on('tlsClientError', ({ message }, socket) => {
    metrics.rejected('tls', 1)
    complaints.complain(socket.remoteAddress ?? 'unknown', 'tls', message)
    socket.destroy()
  })
  return server
}

function isTls(server: Server): server is TlsServer {
  return 'setSecureContext' in server
}

async function close(server: Server, connections: Connections, end: AbortController, graceMs: number): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  const patience = new AbortController()
  await Promise.race([connections.stop(), waited(graceMs, patience.signal)])
  patience.abort()
  end.abort()
  connections.abandon()
  await closed
}

async function waited(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined)
}
