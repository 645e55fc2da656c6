import type { AddressInfo, Socket } from 'node:net'
import { pino } from 'pino'
import { buildApp } from '../../../server/app.ts'
import type { PeerName } from '../../../server/config/peers.ts'
import { TIMING } from '../../../server/context.ts'
import { createContext, type ServerContext } from '../../../server/create-context.ts'
import { MemoryData, type MemoryOptions, MemoryStore } from '../store/memory.ts'

/** One of several servers on a memory store that they share. */
export interface PeerServer {
  readonly url: string
  readonly address: PeerName
  readonly context: ServerContext
  readonly store: MemoryStore
  /** Ends as a server that stops does. */
  stop(): Promise<void>
  /** Ends as a killed one does: connections break, nobody says goodbye. */
  kill(): Promise<void>
}

/** Several servers on one data. */
export class Cluster {
  readonly data = new MemoryData()
  readonly servers: PeerServer[] = []
  readonly #token: string | undefined

  constructor(token?: string) {
    this.#token = token
  }

  /** Starts one more, which knows those that are there; they find it. */
  async add(options: MemoryOptions & { readonly token?: string } = {}): Promise<PeerServer> {
    const store = new MemoryStore(this.data, options)
    const stopping = new AbortController()
    const token = options.token ?? this.#token
    const context = await createContext({
      ...{ store, log: pino({ level: 'silent' }), stopping: stopping.signal, certificate: () => undefined },
      peers: this.servers.map(({ address }) => address),
      token: () => token,
      queryMs: TIMING.queryMs,
    })
    const app = await buildApp(context, { tokens: () => (token === undefined ? [] : [token]) })
    const sockets = new Set<Socket>()
    app.server.on('connection', (socket) => sockets.add(socket))
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    await context.peers?.start(port)
    let isOver = false
    const end = async (isKilled: boolean) => {
      if (isOver) return
      isOver = true
      this.servers.splice(this.servers.indexOf(server), 1)
      if (isKilled) for (const socket of sockets) socket.destroy()
      context.peers?.close()
      context.live.close()
      const closed = app.close()
      setTimeout(() => stopping.abort(), 100)
      setTimeout(() => app.server.closeAllConnections(), 200)
      await closed
    }
    const address = { host: '127.0.0.1', port }
    const server = {
      ...{ url: `http://127.0.0.1:${port}`, address, context, store },
      stop: () => end(false),
      kill: () => end(true),
    }
    this.servers.push(server)
    return server
  }

  /** Ends all. */
  async close(): Promise<void> {
    await Promise.all([...this.servers].map((server) => server.stop()))
  }
}
