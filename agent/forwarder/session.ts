import type { Socket } from 'node:net'
import { SwarmlogsError } from '../../shared/errors.ts'
import { foreignFrame, inventoryFrame, recordsFrame, reportFrame } from '../../shared/forward/encode.ts'
import { type Commit, parseCommit } from '../../shared/forward/lineage.ts'
import type { Inventory } from '../../shared/inventory.ts'
import type { AgentReport } from '../../shared/report.ts'
import type { SpooledChunk } from '../chunk.ts'
import { toForeign } from './foreign.ts'
import type { Peer } from './handshake.ts'
import { protocolError } from './messages.ts'
import { Notice } from './notice.ts'
import { Order } from './order.ts'
import type { Outgoing } from './outgoing.ts'
import { Window } from './window.ts'

export interface SessionOptions {
  readonly socket: Socket
  readonly messages: AsyncIterable<unknown>
  readonly peer: Peer
  readonly spool: Outgoing
  /** The newest inventory; undefined while there is none. */
  readonly inventory: () => Inventory | undefined
  /** The newest report; undefined while there is none. */
  readonly report: () => AgentReport | undefined
  /** Called when the server has a report. */
  readonly onReported: (report: AgentReport) => void
  /** Called after each acked chunk. */
  readonly onAck: () => void
  /** Without any ack for so long, while chunks wait for one, the connection is given up. */
  readonly ackTimeoutMs: number
}

const WATCH_MS = 1000

/** One connection after the handshake: sends the spool's chunks in their order, removes what is acked. */
export class Session {
  readonly #options: SessionOptions
  readonly #window = new Window()
  readonly #order: Order
  readonly #notices: readonly Pick<Notice<unknown>, 'next' | 'take'>[]
  #isCaughtUp = false
  #hasStalled = false

  constructor(options: SessionOptions) {
    this.#options = options
    const { spool, inventory, report, onReported } = options
    this.#order = new Order(spool)
    const inventories = new Notice(inventory, inventoryFrame, () => {})
    this.#notices = [inventories, new Notice(report, reportFrame, onReported)]
  }

  /** Whether a new chunk would be sent at once. */
  get isHungry(): boolean {
    return this.#isCaughtUp && !this.#window.isBusy
  }

  /** Whether it ended because no ack came. */
  get hasStalled(): boolean {
    return this.#hasStalled
  }

  get inFlight(): number {
    return this.#window.size
  }

  /** Runs until the connection ends; always throws why it did. What is not acked then is still in the spool. */
  async run(): Promise<never> {
    const { socket, spool } = this.#options
    const watch = setInterval(() => this.#watch(), WATCH_MS)
    const sending = this.#send().catch((error: Error) => void socket.destroy(error))
    try {
      for await (const message of this.#options.messages) this.#take(message)
      throw new SwarmlogsError('SWARMLOGS_SERVER_UNAVAILABLE', 'cannot go on sending: the server closed the connection')
    } finally {
      clearInterval(watch)
      socket.destroy()
      // The sender may be waiting for something to send, or for the socket to drain.
      spool.changed.ring()
      await sending
      spool.callBack()
    }
  }

  async #send(): Promise<void> {
    const { socket, spool } = this.#options
    while (!socket.destroyed) {
      this.#sendNotices()
      const chunk = this.#window.hasRoom ? this.#order.next() : undefined
      this.#isCaughtUp = chunk === undefined && this.#window.hasRoom
      if (chunk === undefined) await spool.changed.wait()
      else await this.#sendChunk(chunk)
    }
  }

  async #sendChunk(chunk: SpooledChunk): Promise<void> {
    const { peer, spool } = this.#options
    // Nobody else knows what a gap is.
    if (peer.kind === 'foreign' && chunk.records === 0) return spool.remove(chunk.seq)
    spool.sending(chunk.seq)
    const frame = peer.kind === 'own' ? recordsFrame(chunk, chunk.option) : foreignFrame(await toForeign(chunk))
    this.#window.add(chunk.id, { seq: chunk.seq, bytes: chunk.body.length })
    await this.#write(frame)
  }

  /** Other receivers would take them for records. */
  #sendNotices(): void {
    const { peer, socket } = this.#options
    if (peer.kind !== 'own') return
    for (const notice of this.#notices) {
      const frame = notice.next()
      if (frame !== undefined) socket.write(frame)
    }
  }

  /** Resolves when the socket wants more. */
  async #write(pieces: readonly Buffer[]): Promise<void> {
    const { socket } = this.#options
    socket.cork()
    let wantsMore = true
    for (const piece of pieces) wantsMore = socket.write(piece)
    socket.uncork()
    if (wantsMore || socket.destroyed) return
    await new Promise<void>((resolve) => {
      const done = () => {
        socket.off('drain', done).off('close', done)
        resolve()
      }
      socket.on('drain', done).on('close', done)
    })
  }

  #take(message: unknown): void {
    const id = typeof message === 'object' && message !== null && 'ack' in message ? message.ack : undefined
    if (typeof id !== 'string') throw protocolError('it sent something other than an ack')
    if (this.#notices.some((notice) => notice.take(id))) {
      this.#options.spool.changed.ring()
      return
    }
    const chunk = this.#window.take(id)
    if (chunk === undefined) throw protocolError(`it acked ${JSON.stringify(id.slice(0, 64))}, which is not on its way`)
    this.#options.spool.remove(chunk.seq, commitOf(message))
    this.#options.onAck()
  }

  #watch(): void {
    const { socket, ackTimeoutMs } = this.#options
    if (this.#window.stalledMs < ackTimeoutMs) return
    this.#hasStalled = true
    const message = `cannot go on sending: no ack in ${Math.round(ackTimeoutMs / 1000)} s for ${this.#window.size} chunks`
    socket.destroy(new SwarmlogsError('SWARMLOGS_SERVER_UNAVAILABLE', message))
  }
}

/** By which commit the store has a chunk; undefined when its server does not say. */
function commitOf(ack: unknown): Commit | undefined {
  const text = typeof ack === 'object' && ack !== null && 'at' in ack ? ack.at : undefined
  if (text === undefined) return undefined
  const commit = parseCommit(String(text))
  if (commit === undefined) throw protocolError('an ack was changed on the way')
  return commit
}
