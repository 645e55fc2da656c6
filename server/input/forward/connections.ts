import type { Server, Socket } from 'node:net'
import { Admission } from './admission.ts'
import { Connection } from './connection.ts'
import type { ForwardContext } from './context.ts'
import { CONNECTIONS } from './limits.ts'

/** The open connections of a server, from the first packet to the last ack, within the bounds of their number. */
export class Connections {
  readonly #context: ForwardContext
  readonly #admission = new Admission()
  /** Every socket, also those whose TLS handshake is not done, and how to say that its sender is no stranger any more. */
  readonly #sockets = new Map<string, { readonly socket: Socket; readonly leave: () => void }>()
  readonly #served = new Map<Connection, Promise<void>>()

  /** @param served the server's event for a connection that can be read from: `connection` or `secureConnection`. */
  constructor(server: Server, served: string, context: ForwardContext) {
    this.#context = context
    server.maxConnections = CONNECTIONS
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
    const leave = this.#admission.enter(socket.remoteAddress ?? '')
    if (leave === undefined) {
      this.#reject(socket.remoteAddress)
      socket.destroy()
      return
    }
    const name = nameOf(socket)
    this.#sockets.set(name, { socket, leave })
    this.#context.metrics.connections(1)
    socket.once('close', () => {
      this.#context.metrics.connections(-1)
      this.#sockets.delete(name)
      leave()
    })
  }

  #serve(socket: Socket): void {
    const entered = this.#sockets.get(nameOf(socket))
    if (entered === undefined || socket.destroyed) return
    const connection = new Connection(socket, this.#context, entered.leave)
    const served = connection.run().finally(() => this.#served.delete(connection))
    this.#served.set(connection, served)
  }

  #reject(address: string | undefined): void {
    this.#context.metrics.rejected('connections', 1)
    const detail = 'cannot serve more connections; have fewer senders, or a relay between'
    this.#context.complaints.complain(address ?? 'unknown', 'connections', detail)
  }
}

/** What a raw connection and the TLS connection on top of it have in common. */
function nameOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}
