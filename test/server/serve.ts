import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { Annotations } from '../../server/annotations.ts'
import { type AppOptions, buildApp } from '../../server/app.ts'
import { OwnCommits } from '../../server/commits.ts'
import { type Context, TIMING, type Timing } from '../../server/context.ts'
import { know } from '../../server/create-context.ts'
import { Ingestor } from '../../server/ingestor.ts'
import { Inventories } from '../../server/inventories.ts'
import { Live } from '../../server/live.ts'
import { Metrics } from '../../server/metrics.ts'
import { Slots } from '../../server/slots.ts'
import type { Store } from '../../server/store/store.ts'
import { Turns } from '../../server/turns.ts'
import { MemoryStore } from './store/memory.ts'

/** The HTTP server on a real socket, over a store that the test owns. */
export interface TestServer {
  readonly url: string
  readonly context: Context
  readonly app: FastifyInstance
  get(path: string, headers?: Record<string, string>): Promise<Response>
  close(): Promise<void>
}

/** Starts the HTTP server over a store, by default a memory store. */
export async function serve(
  options: Partial<AppOptions> & {
    store?: Store
    timing?: Partial<Timing>
    slots?: number
    now?: () => bigint
    port?: number
  } = {},
): Promise<TestServer> {
  const { store = new MemoryStore(), timing, slots = 100, port = 0, tokens = () => [], ...others } = options
  const log = pino({ level: 'silent' })
  const now = options.now ?? (() => BigInt(Date.now()) * 1_000_000n)
  const [live, inventories, metrics] = [new Live(), new Inventories(store), new Metrics('1.2.3')]
  const commits = new OwnCommits(store, live)
  metrics.watch(store, live)
  await inventories.load()
  const annotations = new Annotations(store)
  await annotations.load()
  const { knowing, doors } = know({ store, inventories, log, now, commits, seen: (node) => ingestor.seen(node) })
  const ingestor = new Ingestor({ store, commits, inventories, log, now, ...doors })
  await knowing.completeness.load()
  const stopping = new AbortController()
  const context: Context = {
    ...{ store, live, commits, inventories, annotations, metrics, log, now, version: '1.2.3' },
    ...{ ...knowing, ingestor },
    slots: new Slots(slots),
    eventTurns: new Turns(),
    stopping: stopping.signal,
    timing: { ...TIMING, ...timing },
  }
  const app = await buildApp(context, { tokens, ...others })
  await app.listen({ host: '127.0.0.1', port })
  const scheme = others.tls === undefined ? 'http' : 'https'
  const url = `${scheme}://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  return {
    ...{ url, context, app },
    get: (path, headers = {}) => fetch(`${url}${path}`, { headers }),
    close: async () => {
      live.close()
      stopping.abort()
      const closed = app.close()
      app.server.closeAllConnections()
      await closed
    },
  }
}
