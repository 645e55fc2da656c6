import type { Logger } from 'pino'
import { type Gap, nodeStream } from '../shared/gap.ts'
import type { Inventory } from '../shared/inventory.ts'
import type { AgentReport } from '../shared/report.ts'
import { greatest } from './completeness/bigint.ts'
import { type Asked, type Judgement, judge } from './completeness/judge.ts'
import { Reports } from './completeness/reports.ts'
import type { Inventories } from './inventories.ts'
import type { Store } from './store/store.ts'

const NAME = 'reports'
const SAVE_MS = 10_000
/** An agent sends something every few seconds; peers tell of theirs as often. */
const CONNECTED_NS = 15_000_000_000n
/** Managers of all Swarms; far more than there are. */
const MAX_OBSERVERS = 1_000

/** What the completeness of answers is known by. */
export interface CompletenessOptions {
  readonly store: Pick<Store, 'save' | 'load' | 'gaps' | 'lastReceived' | 'identity' | 'status'>
  readonly inventories: Inventories
  /** All that was committed up to this can be found. */
  readonly visibleUpTo: () => bigint
  /** When the agent of a node was last heard of; now, while it is connected. */
  readonly seen: (node: string) => bigint | undefined
  readonly now: () => bigint
  readonly log: Logger
}

/** Knows of every node up to when its lines are here, and so whether an answer is complete. */
export class Completeness {
  readonly #options: CompletenessOptions
  readonly #reports: Reports
  /** When each manager's agent last told of its Swarm, by cluster and node. */
  readonly #observers = new Map<string, { readonly cluster: string; readonly node: string; readonly at: bigint }>()
  #saving: NodeJS.Timeout | undefined
  #lostStore: { containers: Set<string>; upTo: bigint } | undefined

  constructor(options: CompletenessOptions) {
    this.#options = options
    this.#reports = new Reports(() => `${options.store.identity.id}/${options.store.identity.epoch}`)
  }

  /** Reads back what was saved. */
  async load(): Promise<void> {
    const { store } = this.#options
    this.#reports.load((await store.load(NAME)) ?? '')
    this.lost(await store.gaps())
  }

  /** Takes what an agent told this server; what it speaks of must be stored. Answers the commit up to which that is. */
  take(report: AgentReport): bigint {
    const { store, now, visibleUpTo } = this.#options
    const after = store.lastReceived
    this.#reports.take(report, now(), after, visibleUpTo())
    this.#saveSoon()
    return after
  }

  /** What a report shows to be lost: an agent that began anew, without what the one before knew, cannot tell what was removed or rotated meanwhile. */
  lapses(report: AgentReport): readonly Gap[] {
    const lapse = this.#reports.lapse(report)
    if (lapse === undefined) return []
    const [from, to] = [lapse.from, lapse.to].map((time) => new Date(Number(time / 1_000_000n)))
    this.#options.log.warn({ node: report.nodeName, from, to }, 'an agent began anew without its state')
    return [{ stream: nodeStream(report), ...lapse, reason: 'state', atLeast: 0 }]
  }

  /** Takes what an agent told another server. */
  adopt(report: AgentReport, after: bigint): void {
    if (this.#reports.adopt(report, this.#options.now(), after, this.#options.visibleUpTo())) this.#saveSoon()
  }

  /** A manager's agent told of its Swarm, to this server or another one. */
  observe({ cluster, nodeId: node }: Inventory): void {
    const key = JSON.stringify([cluster, node])
    this.#observers.delete(key)
    this.#observers.set(key, { cluster, node, at: this.#options.now() })
    if (this.#observers.size > MAX_OBSERVERS)
      for (const oldest of this.#observers.keys()) return void this.#observers.delete(oldest)
  }

  /** Gaps are stored: remembers those of lines that another store had. */
  lost(gaps: readonly Gap[]): void {
    for (const { reason, stream, to } of gaps) {
      if (reason !== 'store') continue
      this.#lostStore ??= { containers: new Set(), upTo: to }
      this.#lostStore.containers.add(stream.containerId)
      if (to > this.#lostStore.upTo) this.#lostStore.upTo = to
    }
  }

  /** Of how many containers another store had lines that Docker has forgotten, and up to when; undefined when this is not known of any. */
  get lostStore(): { readonly containers: number; readonly upTo: bigint } | undefined {
    const lost = this.#lostStore
    const { begins = 0n } = this.#options.store.status()
    // What is as old as that would be gone by now.
    return lost !== undefined && lost.upTo >= begins ? { containers: lost.containers.size, upTo: lost.upTo } : undefined
  }

  /** The last report of each node, whoever was told, and when it came. */
  get reports(): Reports['newest'] {
    return this.#reports.newest
  }

  /** Whether the agent of a node is connected to this server or another one. */
  isConnected(node: string): boolean {
    const seen = this.#options.seen(node)
    return seen !== undefined && this.#options.now() - seen <= CONNECTED_NS
  }

  /** The agent that tells of a Swarm's members: of those that are connected the one that told last. The others stand by. */
  observer(cluster: string): string | undefined {
    const telling = this.#tellers(cluster, true)
    return telling.reduce<{ node: string; at: bigint } | undefined>(
      (best, one) => (best === undefined || one.at > best.at ? one : best),
      undefined,
    )?.node
  }

  /** A judge of what is here for searches that see up to `visibleUpTo` as it is now. */
  view(): (asked: Asked, now?: bigint) => Judgement {
    const { now, inventories, visibleUpTo } = this.#options
    const known = {
      inventories: inventories.newest,
      departed: inventories.departed,
      former: inventories.former,
      reports: this.#reports.at(visibleUpTo()),
      observed: (cluster: string, isConnected: boolean) =>
        greatest(
          0n,
          this.#tellers(cluster, isConnected).map(({ at }) => at),
        ),
      isConnected: (node: string) => this.isConnected(node),
    }
    return (asked, asOf = now()) => judge({ ...known, now: asOf }, asked)
  }

  /** What it knows, in the form in which a copy of it can be made. */
  known(): { readonly reports: string; readonly observers: readonly { cluster: string; node: string; at: bigint }[] } {
    return { reports: this.#reports.save(this.#options.now()), observers: [...this.#observers.values()] }
  }

  /** Saves what is known. */
  async close(): Promise<void> {
    clearTimeout(this.#saving)
    if (this.#saving !== undefined) await this.#save()
    this.#saving = undefined
  }

  #tellers(cluster: string, isConnected: boolean) {
    const tellers = [...this.#observers.values()].filter((one) => one.cluster === cluster)
    return isConnected ? tellers.filter(({ node }) => this.isConnected(node)) : tellers
  }

  #saveSoon(): void {
    this.#saving ??= setTimeout(() => {
      this.#saving = undefined
      void this.#save()
    }, SAVE_MS)
    this.#saving.unref()
  }

  async #save(): Promise<void> {
    const { store, log, now } = this.#options
    await store.save(NAME, this.#reports.save(now())).catch((error: unknown) => {
      log.warn({ err: error }, "agents' reports cannot be saved, trying again with the next one")
    })
  }
}
