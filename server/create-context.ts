import type { Logger } from 'pino'
import { programVersion } from '../shared/version.ts'
import { OwnCommits } from './commits.ts'
import type { PeerName } from './config/peers.ts'
import { type Context, TIMING } from './context.ts'
import { Ingestor } from './ingestor.ts'
import { Inventories } from './inventories.ts'
import { Live } from './live.ts'
import { Metrics } from './metrics.ts'
import { Announcer } from './peers/announcer.ts'
import { Peers } from './peers/peers.ts'
import { SharedCommits } from './peers/shared-commits.ts'
import { Slots } from './slots.ts'
import type { Store } from './store/store.ts'

const MAX_STREAMED = 1024

/** What a context is made of. */
export interface ContextOptions {
  readonly store: Store
  readonly log: Logger
  readonly stopping: AbortSignal
  /** Other servers on the same store. */
  readonly peers?: readonly PeerName[] | undefined
  /** How peers are asked: they have the same token and certificate. */
  readonly token: () => string | undefined
  readonly certificate: () => Buffer | undefined
}

/** A context, whose peers still have to be started. */
export type ServerContext = Context & { readonly peers?: Peers }

/** Makes what the routes and inputs work with. */
export async function createContext(options: ContextOptions): Promise<ServerContext> {
  const { store, log, stopping } = options
  const version = programVersion()
  const live = new Live()
  const metrics = new Metrics(version)
  metrics.watch(store, live)
  const inventories = new Inventories(store)
  await inventories.load()
  const now = () => BigInt(Date.now()) * 1_000_000n
  const onAppend = metrics.appended.bind(metrics)
  const slots = new Slots(MAX_STREAMED)
  const shared = { store, live, inventories, metrics, log, version, now, slots, stopping, timing: TIMING }
  const door = { inventories, log, now, onAppend }
  if (options.peers === undefined || store.sharing === undefined) {
    const commits = new OwnCommits(store, live)
    return { ...shared, commits, ingestor: new Ingestor({ ...door, commits }) }
  }
  const announcer = new Announcer()
  const commits = new SharedCommits({ store, sharing: store.sharing, live, announcer })
  const ingestor = new Ingestor({ ...door, commits, onInventory: announcer.inventory.bind(announcer) })
  const peers = new Peers({
    ...{ names: options.peers, commits, announcer, log, token: options.token, certificate: options.certificate },
    learn: { seen: ingestor.heard.bind(ingestor), inventory: inventories.adopt.bind(inventories) },
    seen: () => ingestor.seenNodes,
  })
  return { ...shared, commits, ingestor, peers }
}
