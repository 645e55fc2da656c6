import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { connect, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { SwarmlogsError } from '../../shared/errors.ts'

/** Where the server is and how it is spoken to. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  /** Speak TLS; the certificate must be for `host`, signed by one in `caFile` (PEM) or by one that Node trusts; or be the one in `certFile`. */
  readonly tls?: { readonly caFile?: string | undefined; readonly certFile?: string | undefined } | undefined
}

/** One address is given up after this, and the next one tried. */
const CONNECT_TIMEOUT_MS = 3_000
const TLS_TIMEOUT_MS = 10_000
const NO_TLS_ANSWER = 'it does not answer to TLS; does the server have --tls-cert?'
const KEEP_ALIVE_AFTER_MS = 10_000

/**
 * Connects to the first address of the server's name that answers; resolves the name anew each time, since the server may have
 * moved. Throws SWARMLOGS_SERVER_UNAVAILABLE that says what each address answered.
 */
export async function dial(address: ServerAddress, signal: AbortSignal, resolve = addressesOf): Promise<Socket> {
  const failures: string[] = []
  for (const ip of await resolve(address.host)) {
    signal.throwIfAborted()
    try {
      return await dialOne(address, ip, signal)
    } catch (error) {
      failures.push(`${ip}: ${reasonOf(error)}`)
    }
  }
  throw unavailable(`cannot reach the server at ${address.host}:${address.port}: ${failures.join('; ')}`)
}

async function addressesOf(host: string): Promise<string[]> {
  try {
    const found = await lookup(host, { all: true })
    return [...new Set(found.map(({ address }) => address))]
  } catch (error) {
    throw unavailable(`cannot find the server's address: ${reasonOf(error)}; check --server (SWARMLOGS_SERVER)`, error)
  }
}

async function dialOne(address: ServerAddress, ip: string, signal: AbortSignal): Promise<Socket> {
  const { port, host, tls } = address
  const socket = connect({ host: ip, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS })
  await happens(socket, 'connect', CONNECT_TIMEOUT_MS, `no answer in ${CONNECT_TIMEOUT_MS / 1000} s`, signal)
  if (tls === undefined) return socket
  const secure = connectTls({
    socket,
    ...trust(tls),
    ...(isIP(host) ? { host } : { host, servername: host }),
  })
  await happens(secure, 'secureConnect', TLS_TIMEOUT_MS, NO_TLS_ANSWER, signal)
  return secure
}

/** Files are read at each try, so that a new one needs no restart. */
function trust({ caFile, certFile }: NonNullable<ServerAddress['tls']>): ConnectionOptions {
  if (certFile === undefined) return { ca: caFile === undefined ? undefined : readFileSync(caFile) }
  return { ca: readFileSync(certFile), allowPartialTrustChain: true, checkServerIdentity: () => undefined }
}

/** Resolves at the event; destroys the socket and throws when it fails, takes too long, or the signal aborts. */
function happens(socket: Socket, event: string, timeoutMs: number, hint: string, signal: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => settle(new Error(hint)), timeoutMs)
    const onEvent = () => settle()
    const onError = (error: Error) => settle(error)
    const onClose = () => settle(new Error('it closed the connection'))
    const onAbort = () => settle(new Error('the agent stops'))
    const settle = (error?: Error) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.off(event, onEvent).off('error', onError).off('close', onClose)
      if (error === undefined) return done()
      // What else goes wrong while it closes interests nobody.
      socket.on('error', () => {})
      socket.destroy()
      fail(error)
    }
    socket.on(event, onEvent).on('error', onError).on('close', onClose)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** OpenSSL's words for "this is not TLS". */
const NO_TLS = /wrong version number|packet length too long|unexpected message|record layer failure|http request/i
const UNTRUSTED = /self[- ]signed|unable to (get|verify)|UNABLE_TO/i

function reasonOf(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error)
  if (NO_TLS.test(reason))
    return `${reason}; the server seems to speak no TLS: give it --tls-cert and --tls-key, or leave out --tls here`
  if (UNTRUSTED.test(reason))
    return `${reason}; name the file of the CA that signed the server's certificate with --tls-ca`
  return reason
}

function unavailable(message: string, cause?: unknown): SwarmlogsError {
  return new SwarmlogsError('SWARMLOGS_SERVER_UNAVAILABLE', message, { cause })
}
