import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** One connection through the network. */
export interface Link {
  /** Counts from 0. */
  readonly number: number
  /** Bytes that came so far, the ones in hand included: from the agent, from the server. */
  readonly received: { up: number; down: number }
  /** Resets both sides. */
  cut(): void
}

/** What the network does to bytes that came: yields what goes on. */
export type Weather = (bytes: Buffer, link: Link) => AsyncIterable<Buffer> | Iterable<Buffer>

const calm: Weather = (bytes) => [bytes]

/** The network between an agent and its server: calm, unless a fault sets its weather, which holds at once, for open links too. */
export class Network {
  /** From agent to server, and back. */
  up: Weather = calm
  down: Weather = calm
  /** Called when it is calm again. */
  onClear = () => {}
  readonly #server: Server
  readonly #target: number
  readonly #sockets = new Set<Socket>()
  #count = 0

  private constructor(server: Server, target: number) {
    this.#server = server
    this.#target = target
    server.on('connection', (socket) => this.#link(socket))
  }

  /** Starts one in front of a port of this machine. */
  static async start(target: number): Promise<Network> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Network(server, target)
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** How many connections there were so far. */
  get links(): number {
    return this.#count
  }

  /** Calm again, in both directions. */
  clear(): void {
    this.up = calm
    this.down = calm
    this.onClear()
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #link(agent: Socket): void {
    const server = connect(this.#target, '127.0.0.1')
    const link: Link = {
      number: this.#count++,
      received: { up: 0, down: 0 },
      cut: () => {
        agent.resetAndDestroy()
        server.resetAndDestroy()
      },
    }
    for (const socket of [agent, server]) {
      this.#sockets.add(socket.setNoDelay())
      socket.on('close', () => this.#sockets.delete(socket))
    }
    void this.#carry('up', agent, server, link)
    void this.#carry('down', server, agent, link)
  }

  async #carry(direction: 'up' | 'down', from: Socket, to: Socket, link: Link): Promise<void> {
    // Its own loop tells of errors of the other socket.
    to.on('error', () => {})
    try {
      for await (const bytes of from as AsyncIterable<Buffer>) {
        link.received[direction] += bytes.length
        for await (const piece of this[direction](bytes, link)) {
          if (!to.destroyed && !to.write(piece)) await Promise.race([once(to, 'drain'), once(to, 'close')])
        }
      }
      to.end()
    } catch {
      to.destroy()
    }
  }
}
