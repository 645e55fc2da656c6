import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { SwarmlogsError } from '../shared/errors.ts'
import type { Opening } from '../shared/forward/lineage.ts'
import type { AgentHello } from '../shared/forward/own.ts'
import type { Inventory } from '../shared/inventory.ts'
import type { AgentReport } from '../shared/report.ts'
import { Backoff } from './forwarder/backoff.ts'
import { dial, type ServerAddress } from './forwarder/dial.ts'
import { type Peer, shakeHands } from './forwarder/handshake.ts'
import { LinkLog } from './forwarder/link-log.ts'
import { messages } from './forwarder/messages.ts'
import type { Outgoing } from './forwarder/outgoing.ts'
import { Session } from './forwarder/session.ts'
import { isDamage } from './spool/sqlite.ts'

export interface ForwarderOptions {
  readonly server: ServerAddress
  /** The keys to try, one at each connect; asked at each connect. */
  readonly sharedKeys?: () => readonly string[]
  /** What the agent says of itself; asked at each connect. */
  readonly hello: () => AgentHello
  readonly spool: Outgoing
  /** Called when a server has said who it is, before anything is sent to it, with the store's key and what else the server says of it. */
  readonly onStore: (store: string, retentionMs?: number, openings?: readonly Opening[]) => void
  readonly log: Logger
  readonly ackTimeoutMs?: number
}

/** Under the 30 s in which a half-open connection must be found; a server that is merely slow acks one chunk in that time. */
const ACK_TIMEOUT_MS = 30_000
/** Each stall doubles the timeout up to so many times: on a line of 1 KB/s one chunk takes minutes, and must get through. */
const LONGEST_ACK_TIMEOUTS = 16
/** A session that lasted this long was a good one, though no chunk was to be sent. */
const GOOD_SESSION_MS = 10_000
/** Checkpoints of receivers that have no store of ours are kept under this key. */
const FOREIGN_STORE = 'foreign'

/** Ships the spool's chunks to the server over one connection, and connects again whenever that ends. Only an ack removes a chunk. */
export class Forwarder {
  readonly #options: ForwarderOptions
  readonly #backoff = new Backoff()
  readonly #link: LinkLog
  #session: Session | undefined
  #inventory: Inventory | undefined
  #report: AgentReport | undefined
  #store = ''
  #reported: AgentReport | undefined
  #ackedChunks = 0
  #lastAckMs = 0
  #patience = 1
  /** Counts on at each refusal: which of the keys is tried. */
  #key = 0
  #keyCount = 0

  constructor(options: ForwarderOptions) {
    this.#options = options
    this.#link = new LinkLog(options.log)
  }

  /** Whether a chunk that is appended now is sent at once. */
  get isHungry(): boolean {
    return this.#session?.isHungry ?? false
  }

  /** Live numbers for the log. `lastAck` is RFC 3339, or ''. */
  get status(): { connected: boolean; inFlight: number; ackedChunks: number; lastAck: string } {
    return {
      connected: this.#session !== undefined,
      inFlight: this.#session?.inFlight ?? 0,
      ackedChunks: this.#ackedChunks,
      lastAck: this.#lastAckMs === 0 ? '' : new Date(this.#lastAckMs).toISOString(),
    }
  }

  /** Has an inventory sent now and after each connect, until a newer one comes. */
  setInventory(inventory: Inventory): void {
    this.#inventory = inventory
    this.#options.spool.changed.ring()
  }

  /** Has a report sent now and after each connect, until a newer one comes. */
  setReport(report: AgentReport): void {
    this.#report = report
    this.#options.spool.changed.ring()
  }

  /** Has no report sent before a newer one comes. */
  forgetReport(): void {
    this.#report = undefined
  }

  /** Whether the server has this report; `spool.changed` rings when it does, and when the connection ends. */
  hasReported(report: AgentReport): boolean {
    return this.#reported === report
  }

  /** Runs until the signal aborts. Throws only what makes the spool unusable. */
  async run(signal: AbortSignal): Promise<void> {
    const { server, spool } = this.#options
    while (!signal.aborted) {
      const started = performance.now()
      try {
        await this.#connect(signal)
      } catch (error) {
        if (signal.aborted) return
        if (isDamage(error)) throw error
        if (performance.now() - started >= GOOD_SESSION_MS) this.#backoff.reset()
        const waitMs = this.#waitAfter(error)
        this.#link.down(`${server.host}:${server.port}`, error, waitMs)
        await delay(waitMs, undefined, { signal }).catch(() => {})
      } finally {
        this.#session = undefined
        spool.changed.ring()
      }
    }
  }

  /** One connection from dialling to its end, which throws. */
  async #connect(signal: AbortSignal): Promise<void> {
    const { server, spool } = this.#options
    const ackTimeoutMs = (this.#options.ackTimeoutMs ?? ACK_TIMEOUT_MS) * this.#patience
    const keys = this.#options.sharedKeys?.() ?? []
    this.#keyCount = keys.length
    const sharedKey = keys[this.#key % Math.max(1, keys.length)]
    const socket = await dial(server, signal)
    const end = () => void socket.destroy()
    signal.addEventListener('abort', end, { once: true })
    // The reader below throws it; without a listener it would end the process in between.
    socket.on('error', () => {})
    try {
      const received = messages(socket)
      const peer = await shakeHands({ socket, messages: received, sharedKey, hello: this.#options.hello() })
      const store = storeKey(peer)
      // What was said to another one does not hold for this.
      if (store !== this.#store) this.#report = undefined
      this.#store = store
      const { retentionMs, openings } = peer.kind === 'own' ? peer.hello : {}
      this.#options.onStore(store, retentionMs, openings)
      this.#link.up(`${socket.remoteAddress}:${socket.remotePort}`, store)
      this.#session = new Session({
        ...{ socket, messages: received, peer, spool, ackTimeoutMs },
        inventory: () => this.#inventory,
        report: () => this.#report,
        onReported: (report) => {
          this.#reported = report
        },
        onAck: () => this.#onAck(),
      })
      await this.#session.run()
    } finally {
      this.#patience = this.#session?.hasStalled ? Math.min(this.#patience * 2, LONGEST_ACK_TIMEOUTS) : 1
      signal.removeEventListener('abort', end)
      socket.destroy()
    }
  }

  /** A refused key makes the next one the one to try: while keys are being rotated, the server may know only the other. */
  #waitAfter(error: unknown): number {
    if (!isRefusal(error)) return this.#backoff.next()
    this.#key += 1
    const wereAllTried = this.#key % Math.max(1, this.#keyCount) === 0
    return wereAllTried ? this.#backoff.slow() : this.#backoff.next()
  }

  #onAck(): void {
    this.#ackedChunks += 1
    this.#lastAckMs = Date.now()
    this.#backoff.reset()
  }
}

function storeKey(peer: Peer): string {
  return peer.kind === 'own' ? `${peer.hello.store}/${peer.hello.epoch}` : FOREIGN_STORE
}

/** The server does not want this agent as it is set up: only an operator can change that. */
function isRefusal(error: unknown): boolean {
  return error instanceof SwarmlogsError && error.code === 'SWARMLOGS_UNAUTHORIZED'
}
