import type { Logger } from 'pino'
import { programVersion } from '../shared/version.ts'
import { Annotations } from './annotations.ts'
import { OwnCommits } from './commits.ts'
import { Completeness } from './completeness.ts'
import type { PeerName } from './config/peers.ts'
import { type Context, TIMING } from './context.ts'
import { GapFeed } from './gap-feed.ts'
import { Ingestor, type IngestorOptions } from './ingestor.ts'
import { Inventories } from './inventories.ts'
import { Live } from './live.ts'
import { Metrics } from './metrics.ts'
import { Announcer } from './peers/announcer.ts'
import { Peers, type PeersOptions } from './peers/peers.ts'
import { SharedCommits } from './peers/shared-commits.ts'
import { Slots } from './slots.ts'
import type { Store } from './store/store.ts'
import { Turns } from './turns.ts'

const MAX_STREAMED = 1024

/** What a context is made of. */
export interface ContextOptions {
  readonly store: Store
  readonly log: Logger
  readonly stopping: AbortSignal
  /** See Timing. */
  readonly queryMs: number
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
  const annotations = new Annotations(store)
  await annotations.load()
  const now = () => BigInt(Date.now()) * 1_000_000n
  const slots = new Slots(MAX_STREAMED)
  const shared = {
    store,
    live,
    inventories,
    annotations,
    metrics,
    log,
    version,
    now,
    slots,
    eventTurns: new Turns(),
    stopping,
    timing: { ...TIMING, queryMs: options.queryMs },
  }
  const onAppend = metrics.appended.bind(metrics)
  const door = { store, inventories, log, now, onAppend }
  if (options.peers === undefined || store.sharing === undefined) {
    const commits = new OwnCommits(store, live)
    const { knowing, doors } = know({ ...shared, commits, seen: (node) => ingestor.seen(node) })
    const ingestor = new Ingestor({ ...door, ...doors, commits })
    await knowing.completeness.load()
    return { ...shared, ...knowing, commits, ingestor }
  }
  const announcer = new Announcer()
  const commits = new SharedCommits({ store, sharing: store.sharing, live, announcer })
  const { knowing, doors } = know({ ...shared, commits, announcer, seen: (node) => ingestor.seen(node) })
  const ingestor = new Ingestor({ ...door, ...doors, commits })
  await knowing.completeness.load()
  const peers = new Peers({
    ...{ names: options.peers, commits, announcer, log, token: options.token, certificate: options.certificate },
    learn: learning(shared, ingestor, knowing),
    seen: () => ingestor.seenNodes,
  })
  return { ...shared, ...knowing, commits, ingestor, peers }
}

/** What is known of agents and of what they could not collect. */
type Knowing = Pick<Context, 'completeness' | 'gapFeed' | 'onNoted'>

/** What tells this server, and its peers, of what agents tell. */
export interface KnowOptions extends Pick<Context, 'store' | 'inventories' | 'log' | 'now' | 'commits'> {
  readonly announcer?: Announcer
  readonly seen: (node: string) => bigint | undefined
}

/** Makes what knows of the completeness of answers, and what the one door tells it. */
export function know({ commits, announcer, ...options }: KnowOptions): {
  knowing: Knowing
  doors: Required<Pick<IngestorOptions, 'onInventory' | 'onReport' | 'lapses' | 'onGaps'>>
} {
  const completeness = new Completeness({ ...options, visibleUpTo: () => commits.lastReceived })
  const gapFeed = new GapFeed()
  return {
    knowing: {
      ...{ completeness, gapFeed },
      onNoted: (annotation) => {
        gapFeed.publish([annotation])
        announcer?.annotation(annotation)
      },
    },
    doors: {
      onInventory: (inventory) => {
        completeness.observe(inventory)
        announcer?.inventory(inventory)
      },
      onReport: (report) => {
        const after = completeness.take(report)
        announcer?.report(report, after)
      },
      lapses: (report) => completeness.lapses(report),
      onGaps: (gaps) => {
        completeness.lost(gaps)
        gapFeed.publish(gaps)
        announcer?.gaps(gaps)
      },
    },
  }
}

/** What peers tell. */
function learning(
  { inventories, annotations }: Pick<Context, 'inventories' | 'annotations'>,
  ingestor: Ingestor,
  { completeness, gapFeed }: Knowing,
): PeersOptions['learn'] {
  return {
    seen: (nodes) => ingestor.heard(nodes),
    inventory: (inventory) => {
      inventories.adopt(inventory)
      completeness.observe(inventory)
    },
    report: (report, after) => completeness.adopt(report, after),
    gaps: (gaps) => {
      completeness.lost(gaps)
      gapFeed.publish(gaps)
    },
    noted: (annotation) => {
      // Whoever begins to follow behind this reads it.
      annotations.outdate()
      gapFeed.publish([annotation])
    },
  }
}
