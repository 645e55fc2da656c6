import { readFileSync } from 'node:fs'
import { Agent as HttpAgent, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { inspect } from 'node:util'
import Docker from 'dockerode'
import { type ErrorCode, SwarmlogsError } from '../../shared/errors.ts'
import { type Certificates, type HttpServer, Response } from './response.ts'
import { dialBySsh } from './ssh.ts'

/** Where the engine is: DOCKER_HOST's forms, and the folder of ca.pem, cert.pem and key.pem when it wants TLS. */
export interface EngineAddress {
  /** `unix:///var/run/docker.sock`, `tcp://host:2376`, `http://host:2375`, `ssh://user@host`. */
  readonly host?: string | undefined
  readonly certPath?: string | undefined
  readonly tls?: boolean | undefined
}

type Query = Readonly<Record<string, string | number | boolean>>

/** Newest Engine API that this code was written against, and the oldest that has all it needs. */
const NEWEST_API = [1, 54] as const
const OLDEST_API = [1, 40] as const
/** From this on logs are given as JSON, too. */
const JSON_LOGS_API = [1, 54] as const
const DEFAULT_HOST = 'unix:///var/run/docker.sock'
/** An engine that does not begin to answer within this is taken as hung. */
const ANSWER_TIMEOUT_MS = 30_000

/** The few GETs that the agent asks of a Docker engine; there is no other kind of request in it. */
export class Engine {
  readonly #docker: Docker
  readonly #server: HttpServer
  /** Where it is, for messages. */
  readonly host: string
  /** The API version agreed on, as `1.41`; '' before `negotiate`. */
  version = ''
  /** Whether logs can be asked for with `format=json`; known from `negotiate` on. */
  hasJsonLogs = false

  constructor(address: EngineAddress = {}) {
    this.host = address.host || DEFAULT_HOST
    this.#server = serverAt(this.host, address)
    this.#docker = new Docker({ ...connection(this.#server), version: '' })
  }

  /** Agrees on an API version: the engine's own, capped at what this code knows. Throws when it is older than 1.40 or not there. */
  async negotiate(signal?: AbortSignal): Promise<void> {
    const found = (await this.#get('/version', {}, signal)) as { ApiVersion?: unknown; Version?: unknown }
    const match = /^(\d+)\.(\d+)$/.exec(String(found.ApiVersion))
    const version = [Number(match?.[1]), Number(match?.[2])] as const
    if (!(compare(version, OLDEST_API) >= 0)) {
      const wants = `API ${OLDEST_API.join('.')} (Docker 19.03) or newer is needed`
      const message = `cannot use the Docker engine ${found.Version} at ${this.host}: it speaks API ${found.ApiVersion}, ${wants}`
      throw new SwarmlogsError('SWARMLOGS_DOCKER_UNAVAILABLE', message)
    }
    this.version = (compare(version, NEWEST_API) > 0 ? NEWEST_API : version).join('.')
    this.hasJsonLogs = compare(version, JSON_LOGS_API) >= 0
  }

  /** GETs a JSON answer, as the engine gives it. Throws SWARMLOGS_NOT_FOUND for 404 and 409, SWARMLOGS_LOG_UNREADABLE for 501. */
  get(path: string, query: Query = {}, signal?: AbortSignal): Promise<unknown> {
    return this.#get(`/v${this.version}${path}`, query, signal)
  }

  /** GETs an answer as a stream of bytes, which comes only as fast as it is read, over a connection of its own; errors as in `get`. */
  async stream(path: string, query: Query, signal: AbortSignal): Promise<Response> {
    const hung = new AbortController()
    const timer = setTimeout(() => hung.abort(new Error('no answer in 30 s')), ANSWER_TIMEOUT_MS)
    try {
      const both = AbortSignal.any([signal, hung.signal])
      const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
      const response = await Response.get(this.#server, `/v${this.version}${path}?${parameters}`, both)
      if (response.status !== 200) throw await refusal(response)
      return response
    } catch (error) {
      throw engineError(this.host, path, error)
    } finally {
      clearTimeout(timer)
    }
  }

  async #get(path: string, query: Query, signal?: AbortSignal): Promise<unknown> {
    const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    const response = await this.#dial(path, query, signal ? AbortSignal.any([signal, timeout]) : timeout)
    const chunks: Buffer[] = []
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer)
      return JSON.parse(Buffer.concat(chunks).toString())
    } catch (error) {
      throw engineError(this.host, path, error)
    }
  }

  // One level below dockerode's own calls: container.logs() reads a log that is not followed into memory whole, and an
  // aborted call that is no stream throws where nobody can catch it (docker-modem listens to no error of the response).
  #dial(path: string, query: Query, signal: AbortSignal): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const request = {
      path: `${path}?`,
      method: 'GET',
      isStream: true,
      abortSignal: signal,
      options: { ...query },
      statusCodes: { 200: true },
    }
    this.#docker.modem.dial(request, (error: unknown, answer: unknown) => {
      if (error) {
        reject(engineError(this.host, path, error))
        return
      }
      const response = answer as IncomingMessage
      // Whoever reads it hears of errors; until then, and after, they must not be uncaught.
      response.on('error', () => undefined)
      resolve(response)
    })
    return promise
  }
}

const KEEP_ALIVE = { keepAlive: true, maxFreeSockets: 4 }

/** docker-modem also takes an agent, which its types do not know. */
type Connection = Docker.DockerOptions & { readonly agent: HttpAgent }

function serverAt(host: string, address: EngineAddress): HttpServer {
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) }
  const url = URL.canParse(host) ? new URL(host) : undefined
  if (url?.protocol === 'ssh:' && url.hostname !== '') return { dial: () => dialBySsh(url) }
  if (!url || !['tcp:', 'http:', 'https:'].includes(url.protocol)) {
    const message = `cannot use ${JSON.stringify(host)} as Docker host: write unix:///path/docker.sock, tcp://host:port or ssh://user@host`
    throw new SwarmlogsError('SWARMLOGS_CONFIG', message)
  }
  const tls = address.tls === true || url.protocol === 'https:' || url.port === '2376'
  const port = Number(url.port || (tls ? '2376' : '2375'))
  // An IPv6 address stands in brackets in a URL only.
  const name = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return { host: name, port, tls: tls ? certificates(address.certPath) : undefined }
}

/** The same server for docker-modem. Every setting is named: what is left out, it takes from the environment. */
function connection(server: HttpServer): Connection {
  const none = {
    socketPath: undefined,
    host: undefined,
    port: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
  }
  if ('socketPath' in server) {
    return { ...none, socketPath: server.socketPath, protocol: 'http', agent: guarded(new HttpAgent(KEEP_ALIVE)) }
  }
  if ('dial' in server) return { ...none, host: 'docker', protocol: 'http', agent: dialling(server.dial) }
  const { host, port, tls } = server
  if (tls === undefined) return { ...none, host, port, protocol: 'http', agent: guarded(new HttpAgent(KEEP_ALIVE)) }
  // docker-modem hands them to node:https, which takes bytes; its types want text.
  const files = tls as Docker.DockerOptions
  return { ...none, host, port, protocol: 'https', ...files, agent: guarded(new HttpsAgent(KEEP_ALIVE)) }
}

/** Its connections cost a login each; node:http could keep only sockets alive. */
function dialling(dial: () => Duplex): HttpAgent {
  const agent = new HttpAgent()
  agent.createConnection = dial
  return guarded(agent)
}

/**
 * A request that is aborted while it takes over an idle socket fails on the socket itself, where node:http does not listen.
 * And docker-modem writes each request's options out in full for a debug log, read or not: with 50 open streams behind the
 * agent that takes most of the CPU.
 */
function guarded<A extends HttpAgent>(agent: A): A {
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback)
    socket?.on('error', () => undefined)
    return socket
  }
  Object.defineProperty(agent, inspect.custom, { value: () => 'agent' })
  return agent
}

function certificates(folder: string | undefined): Certificates {
  if (!folder) return {}
  try {
    const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFileSync(join(folder, name)))
    return { ca, cert, key } as Required<Certificates>
  } catch (cause) {
    const message = `cannot read ca.pem, cert.pem and key.pem for the Docker engine in ${folder}: set DOCKER_CERT_PATH to their folder`
    throw new SwarmlogsError('SWARMLOGS_CONFIG', message, { cause })
  }
}

/** What the engine says to a request that it does not fulfil. */
async function refusal(response: Response): Promise<Error> {
  const text = await response.text()
  let message = text
  try {
    message = String(JSON.parse(text).message)
  } catch {
    // It is no JSON: a proxy's page, perhaps.
  }
  return Object.assign(new Error(`${response.status}: ${message}`), { statusCode: response.status })
}

function engineError(host: string, path: string, cause: unknown): SwarmlogsError {
  const { statusCode, message } = cause as { statusCode?: number; message?: string }
  const unreadable = statusCode === 501 || /does not support reading/.test(message ?? '')
  const gone = statusCode === 404 || statusCode === 409
  const code: ErrorCode = unreadable
    ? 'SWARMLOGS_LOG_UNREADABLE'
    : gone
      ? 'SWARMLOGS_NOT_FOUND'
      : 'SWARMLOGS_DOCKER_UNAVAILABLE'
  const asked = `${path} of the Docker engine at ${host}`
  return new SwarmlogsError(code, `cannot get ${asked}: ${message?.trim() ?? String(cause)}`, { cause })
}

function compare(a: readonly [number, number], b: readonly [number, number]): number {
  return a[0] - b[0] || a[1] - b[1]
}
