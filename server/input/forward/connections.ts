import type { Server, Socket } from 'node:net'
import { Admission, type Guest } from './admission.ts'
import { Connection } from './connection.ts'
import type { ForwardContext } from './context.ts'
import { STRANGERS } from './limits.ts'

/** The open connections of a server, from the first packet to the last ack, within the bounds of their number. */
export class Connections {
  readonly #context: ForwardContext
  readonly #admission = new Admission()
  /** Every socket, also those whose TLS handshake is not done. */
  readonly #sockets = new Map<string, { readonly socket: Socket; readonly guest: Guest }>()
  readonly #served = new Map<Connection, Promise<void>>()
  readonly #max: number

  /** @param served the server's event for a connection that can be read from: `connection` or `secureConnection`. @param max how many may be let in. */
  constructor(server: Server, served: string, context: ForwardContext, max: number) {
    this.#context = context
    this.#max = max
    server.maxConnections = max + STRANGERS
    server.on('drop', (dropped) => this.#reject(dropped?.remoteAddress))
    server.on('connection', (socket) => this.#enter(socket))
    server.on(served, (socket: Socket) => this.#serve(socket))
  }

  /** Looks after deadlines. */
  tick(now: number): void {
    for (const connection of this.#served.keys()) connection.tick(now)
  }

  /** Stops reading; resolves when what was read is stored and acked and the connections are closed. */
  async stop(): Promise<void> {
    for (const connection of this.#served.keys()) connection.stop()
    await Promise.allSettled(this.#served.values())
  }

  /** Closes all connections at once. */
  abandon(): void {
    for (const connection of this.#served.keys()) connection.abandon()
    for (const { socket } of this.#sockets.values()) socket.destroy()
  }

  #enter(socket: Socket): void {
    const guest = this.#admission.enter(socket.remoteAddress ?? '')
    if (guest === undefined) {
      this.#reject(socket.remoteAddress)
      socket.destroy()
      return
    }
    const name = nameOf(socket)
    this.#sockets.set(name, { socket, guest })
    this.#context.metrics.connections(1)
    socket.once('close', () => {
      this.#context.metrics.connections(-1)
      this.#sockets.delete(name)
      guest.leave()
    })
  }

  #serve(socket: Socket): void {
    const entered = this.#sockets.get(nameOf(socket))
    if (entered === undefined || socket.destroyed) return
    const connection = new Connection(socket, this.#context, (name) => this.#admit(entered.guest, name))
    const served = connection.run().finally(() => this.#served.delete(connection))
    this.#served.set(connection, served)
  }

  #admit(guest: Guest, name: string | undefined): boolean {
    if (!guest.admit(name)) return false
    this.#makeRoom()
    return true
  }

  /** Idle connections must not shut out senders that have something to say: who is closed can come again. Called before one more is let in. */
  #makeRoom(): void {
    const open = [...this.#served.keys()].filter((connection) => connection.isOpen)
    if (open.length < this.#max) return
    const idlest = open.reduce((one, other) => (other.activeAt < one.activeAt ? other : one))
    this.#reject(idlest.address, 'cannot keep the connection that was idle for longest, as too many are open')
    idlest.stop()
  }

  #reject(address = 'unknown', detail = 'cannot serve more connections'): void {
    this.#context.metrics.rejected('connections', 1)
    this.#context.complaints.complain(address, 'connections', `${detail}; have fewer senders, or a relay between`)
  }
}

/** What a raw connection and the TLS connection on top of it have in common. */
function nameOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}
