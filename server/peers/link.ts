import { once } from 'node:events'
import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { SwarmlogsError } from '../../shared/errors.ts'
import { type Frame, FrameReader } from './frames.ts'

/** Where a peer is. */
export interface PeerAddress {
  readonly host: string
  readonly port: number
}

/** What a link needs of the server that it belongs to. */
export interface LinkHub {
  /** What follows `/internal/v1/commits?` in the request to a peer; `instance` is who was there before. */
  question(instance: string, wantsRecords: boolean): URLSearchParams
  /** A token of ours, which is the peers', too; undefined when none is needed. */
  token(): string | undefined
  /** Our certificate (PEM), which is the peers', too; undefined without TLS. */
  certificate(): Buffer | undefined
  readonly isWanted: boolean
  /** Keeps what is shown where it is until the peer is known: it commits behind that. What is returned must be called then, or when it cannot be heard. */
  hold(instance: string): () => void
  /** Answers false when the peer is this server itself, or one that another link has. */
  welcome(instance: string): boolean
  take(instance: string, frame: Frame, hasRecords: boolean): void
  away(instance: string): void
}

/** A peer makes a promise every tenth of a second: one that is silent for so long is gone. */
const SILENT_MS = 2_000
const FIRST_PAUSE_MS = 100
const LAST_PAUSE_MS = 2_000
/** How soon a peer is asked again that turned out to be this server, or known by another address. */
const KNOWN_PAUSE_MS = 10_000

/** Listens to one peer, and begins again whenever that ends. */
export class Link {
  readonly #hub: LinkHub
  readonly #address: PeerAddress
  readonly #stop = new AbortController()
  #request = new AbortController()
  #instance = ''
  #complaint = ''
  #isSettled = false
  /** Whether the stream that is open has records; undefined when none is. */
  #hasRecords: boolean | undefined
  #begun = Promise.withResolvers<void>()

  constructor(hub: LinkHub, address: PeerAddress) {
    this.#hub = hub
    this.#address = address
  }

  /** Whether the peer is in reach. */
  get isOpen(): boolean {
    return this.#hasRecords !== undefined
  }

  /** Whether it is known what is at the address: a peer, this server itself, or nothing that answers. */
  get isSettled(): boolean {
    return this.#isSettled
  }

  /** Why the peer cannot be heard; '' when it can. */
  get complaint(): string {
    return this.#complaint
  }

  /** Listens until `close`. */
  async run(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS
    while (!this.#stop.signal.aborted) {
      const end = await this.#listen()
      if (end === 'known') pauseMs = KNOWN_PAUSE_MS
      else if (end === 'heard') pauseMs = FIRST_PAUSE_MS
      // Asked anew, with records: nothing is wrong.
      if (end !== 'again') await delay(pauseMs, undefined, { signal: this.#stop.signal, ref: false }).catch(() => {})
      pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)
    }
  }

  /** Resolves when the peer sends records; at once when it is out of reach. */
  async fetch(): Promise<void> {
    if (this.#hasRecords === false && !this.#request.signal.aborted) {
      this.#begun = Promise.withResolvers()
      this.#request.abort()
    }
    await this.#begun.promise
  }

  /** Ends the link. */
  close(): void {
    this.#stop.abort()
    this.#begun.resolve()
  }

  async #listen(): Promise<'again' | 'heard' | 'known' | 'silent'> {
    const request = new AbortController()
    this.#request = request
    const hasRecords = this.#hub.isWanted
    let isHeard = false
    let release = () => {}
    try {
      const reader = new FrameReader()
      release = this.#hub.hold(this.#instance)
      for await (const chunk of await this.#ask(hasRecords, AbortSignal.any([this.#stop.signal, request.signal]))) {
        for (const frame of reader.read(chunk)) {
          if (frame.kind === 'hello' && !this.#meet(frame.instance, hasRecords)) return 'known'
          isHeard = true
          this.#hub.take(this.#instance, frame, hasRecords)
          release()
        }
      }
    } catch (error) {
      if (request.signal.aborted) return 'again'
      this.#complaint = error instanceof Error ? error.message : String(error)
      this.#isSettled = true
    } finally {
      release()
      this.#part(request.signal.aborted)
    }
    return isHeard ? 'heard' : 'silent'
  }

  #meet(instance: string, hasRecords: boolean): boolean {
    this.#isSettled = true
    if (!this.#hub.welcome(instance)) return false
    this.#instance = instance
    this.#complaint = ''
    this.#hasRecords = hasRecords
    if (hasRecords) this.#begun.resolve()
    return true
  }

  #part(isAskedAnew: boolean): void {
    if (this.#hasRecords !== undefined) this.#hub.away(this.#instance)
    this.#hasRecords = undefined
    if (!isAskedAnew) this.#begun.resolve()
  }

  async #ask(wantsRecords: boolean, signal: AbortSignal): Promise<IncomingMessage> {
    const cert = this.#hub.certificate()
    const token = this.#hub.token()
    const options = {
      ...this.#address,
      path: `/internal/v1/commits?${this.#hub.question(this.#instance, wantsRecords)}`,
      agent: false,
      signal,
      timeout: SILENT_MS,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    }
    // Peers have the same certificate, which is made for the name that clients know.
    const trust = { ca: cert, allowPartialTrustChain: true, checkServerIdentity: () => undefined }
    const sent = cert === undefined ? plainRequest(options) : secureRequest({ ...options, ...trust })
    sent.on('timeout', () => sent.destroy(new Error(`it was silent for ${SILENT_MS / 1000} s`)))
    // What goes wrong ends the wait for the response, or the response.
    sent.on('error', () => {})
    sent.end()
    const [response]: IncomingMessage[] = await once(sent, 'response', { signal })
    if (response === undefined || response.statusCode !== 200) {
      sent.destroy()
      const message = `cannot listen to a peer: it answers ${response?.statusCode}; let all servers have the same tokens and version`
      throw new SwarmlogsError('SWARMLOGS_PROTOCOL', message)
    }
    return response
  }
}
