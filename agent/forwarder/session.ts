import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { SwarmlogsError } from '../../shared/errors.ts'
import { foreignFrame, inventoryFrame, recordsFrame } from '../../shared/forward/encode.ts'
import type { Inventory } from '../../shared/inventory.ts'
import type { SpooledChunk } from '../chunk.ts'
import type { Spool } from '../spool.ts'
import { toForeign } from './foreign.ts'
import type { Peer } from './handshake.ts'
import { protocolError } from './messages.ts'
import { Window } from './window.ts'

export interface SessionOptions {
  readonly socket: Socket
  readonly messages: AsyncIterable<unknown>
  readonly peer: Peer
  readonly spool: Spool
  /** The newest inventory; undefined while there is none. */
  readonly inventory: () => Inventory | undefined
  /** Called after each acked chunk. */
  readonly onAck: () => void
  /** Without any ack for so long, while chunks wait for one, the connection is given up. */
  readonly ackTimeoutMs: number
}

const WATCH_MS = 1000

/** One connection after the handshake: sends the spool's chunks from the oldest on, removes what is acked. */
export class Session {
  readonly #options: SessionOptions
  readonly #window = new Window()
  #sentUpTo = 0
  #isCaughtUp = false
  #inventory: Inventory | undefined
  #inventoryId = ''
  #hasStalled = false

  constructor(options: SessionOptions) {
    this.#options = options
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
    }
  }

  async #send(): Promise<void> {
    const { socket, spool } = this.#options
    while (!socket.destroyed) {
      this.#sendInventory()
      const chunk = this.#window.hasRoom ? spool.next(this.#sentUpTo) : undefined
      this.#isCaughtUp = chunk === undefined && this.#window.hasRoom
      if (chunk === undefined) await spool.changed.wait()
      else await this.#sendChunk(chunk)
    }
  }

  async #sendChunk(chunk: SpooledChunk): Promise<void> {
    const { peer } = this.#options
    const frame = peer.kind === 'own' ? recordsFrame(chunk, chunk.option) : foreignFrame(await toForeign(chunk))
    this.#sentUpTo = chunk.seq
    this.#window.add(chunk.id, { seq: chunk.seq, bytes: chunk.body.length })
    await this.#write(frame)
  }

  /** Only the newest inventory counts, and only to our own server; it is not spooled, and sent again by the next session. */
  #sendInventory(): void {
    const { inventory, peer, socket } = this.#options
    const newest = inventory()
    if (peer.kind !== 'own' || newest === undefined || newest === this.#inventory || this.#inventoryId !== '') return
    this.#inventory = newest
    this.#inventoryId = randomBytes(16).toString('hex')
    socket.write(inventoryFrame(newest, this.#inventoryId))
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
    if (id === this.#inventoryId) {
      this.#inventoryId = ''
      this.#options.spool.changed.ring()
      return
    }
    const chunk = this.#window.take(id)
    if (chunk === undefined) throw protocolError(`it acked ${JSON.stringify(id.slice(0, 64))}, which is not on its way`)
    this.#options.spool.remove(chunk.seq)
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
