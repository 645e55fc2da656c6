import type { IncomingMessage, RequestOptions } from 'node:http'
import { SwarmlogsError } from '../shared/errors.ts'
import type { ClientConfig } from './config.ts'
import { brokenOff, problemOf, unreachable } from './problem.ts'

const CONNECT_TIMEOUT_MS = 10_000
const MAX_PROBLEM_BYTES = 256 * 1024
const MAX_JSON_BYTES = 256 * 1024 * 1024
/** Servers read an address and headers of 16 KiB. */
const MAX_ADDRESS = 8 * 1024
/** What takes its parameters by POST, too. */
const QUESTIONS = /^api\/v1\/(search|tail|context|count|histogram|fields|values|stats|patterns)$/

/** What a request asks for beside its path and parameters. */
export interface Ask {
  readonly accept: string
  readonly params?: URLSearchParams
  readonly headers?: Readonly<Record<string, string>>
  /** Silence after which the connection counts as lost. */
  readonly idleMs?: number
  /** Ends the request, and the answer that is being read. */
  readonly signal?: AbortSignal
}

/** What is sent. */
export interface Sent {
  readonly body: string
  readonly type: string
  readonly params?: URLSearchParams
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks one server; every failure is a SwarmlogsError that says what to do next. */
export class Client {
  readonly #config: ClientConfig

  constructor(config: ClientConfig) {
    this.#config = config
  }

  /** The server's address, for notes. */
  get address(): string {
    return this.#config.url.href.replace(/\/$/, '')
  }

  /** Sends a GET, or a POST where the parameters are too long for an address, and resolves with a 2xx answer, its body still to be read. */
  async get(path: string, ask: Ask): Promise<IncomingMessage> {
    const form = ask.params?.toString() ?? ''
    if (form.length <= MAX_ADDRESS || !QUESTIONS.test(path)) return this.#ask(path, ask, 'GET', undefined)
    const headers = { ...ask.headers, 'content-type': 'application/x-www-form-urlencoded' }
    return this.#ask(path, { ...ask, params: new URLSearchParams(), headers }, 'POST', form)
  }

  /** Sends a POST without a body, whose answer is still to be read. */
  async post(path: string, ask: Ask): Promise<IncomingMessage> {
    return this.#ask(path, ask, 'POST', undefined)
  }

  async #ask(path: string, ask: Ask, method: string, body: string | undefined): Promise<IncomingMessage> {
    const { token } = this.#config
    const url = new URL(path, this.#config.url)
    url.search = ask.params?.toString() ?? ''
    const headers = {
      accept: ask.accept,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...ask.headers,
    }
    const response = await this.#send(url, headers, ask, { method, body })
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) return response
    throw problemOf(status, await this.#text(response, MAX_PROBLEM_BYTES), this.address, token !== undefined)
  }

  /** GETs JSON; `date` is the server's clock (ms since 1970). */
  async json<T>(
    path: string,
    params = new URLSearchParams(),
    signal?: AbortSignal,
  ): Promise<{ answer: T; date: number }> {
    const response = await this.get(path, { accept: 'application/json', params, ...(signal && { signal }) })
    const text = await this.#text(response, MAX_JSON_BYTES)
    const date = Date.parse(response.headers.date ?? '') || Date.now()
    try {
      return { answer: JSON.parse(text) as T, date }
    } catch (cause) {
      throw new SwarmlogsError(
        'SWARMLOGS_PROTOCOL',
        `cannot use ${this.address}: it does not answer like a swarmlogs server`,
        { cause },
      )
    }
  }

  /** Sends something, or deletes, and resolves with the JSON of the answer. */
  async send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, sent?: Sent): Promise<T> {
    const headers: Record<string, string> = { ...(sent && { 'content-type': sent.type }), ...sent?.headers }
    const ask = { accept: 'application/json', headers, ...(sent?.params && { params: sent.params }) }
    const response = await this.#ask(path, ask, method, sent?.body)
    return JSON.parse(await this.#text(response, MAX_JSON_BYTES)) as T
  }

  /** The pieces of an answer's body; a connection that breaks is an error like any other. */
  async *body(response: IncomingMessage): AsyncGenerator<Buffer> {
    try {
      for await (const piece of response) yield piece as Buffer
    } catch (error) {
      throw brokenOff(this.address, error)
    }
  }

  #send(
    url: URL,
    headers: Record<string, string>,
    { idleMs, signal }: Ask,
    { method, body }: { method: string; body: string | undefined },
  ): Promise<IncomingMessage> {
    const options: RequestOptions & { ca?: Buffer } = { method, headers, agent: false, timeout: CONNECT_TIMEOUT_MS }
    if (this.#config.ca !== undefined) options.ca = this.#config.ca
    if (signal !== undefined) options.signal = signal
    // An ESM import of node:http evaluates its lazy getters and loads undici: 20 ms that every `tail` would wait for.
    const { request } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http')
    return new Promise((resolve, reject) => {
      const sent = request(url, options, resolve)
      sent.on('socket', (socket) => {
        // A server may think about a question for long, but a machine that is gone must be noticed.
        socket.setKeepAlive(true, CONNECT_TIMEOUT_MS)
        const connected = url.protocol === 'https:' ? 'secureConnect' : 'connect'
        socket.once(connected, () => sent.setTimeout(idleMs ?? 0))
      })
      sent.on('timeout', () => sent.destroy(new Error(`no answer within ${(idleMs ?? CONNECT_TIMEOUT_MS) / 1000} s`)))
      sent.on('error', (error) => reject(unreachable(this.address, error)))
      sent.end(body)
    })
  }

  async #text(response: IncomingMessage, maxBytes: number): Promise<string> {
    const pieces: Buffer[] = []
    let length = 0
    for await (const piece of this.body(response)) {
      length += piece.length
      if (length > maxBytes) break
      pieces.push(piece)
    }
    return Buffer.concat(pieces).toString()
  }
}
