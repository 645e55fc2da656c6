import type { Logger } from 'pino'
import type { Gap } from '../shared/gap.ts'
import type { Inventory } from '../shared/inventory.ts'
import type { LogRecord } from '../shared/record.ts'
import type { AgentReport } from '../shared/report.ts'
import type { Commits } from './commits.ts'
import type { IncomingRecord, Ingest } from './ingest.ts'
import type { Inventories } from './inventories.ts'
import { parseLine } from './parse/line.ts'
import type { Appended, Store } from './store/store.ts'

const MAX_AHEAD_NS = 60_000_000_000n
const WARN_EVERY_NS = 3_600_000_000_000n
/** Nodes that are remembered at once; far more than a Swarm has, so only a hostile sender reaches it. */
const MAX_NODES = 10_000

/** What the ingestor needs. */
export interface IngestorOptions {
  readonly commits: Pick<Commits, 'append'>
  readonly store: Pick<Store, 'appendGaps'>
  readonly inventories: Inventories
  readonly log: Logger
  /** The server's clock, nanoseconds since 1970. */
  readonly now: () => bigint
  /** Called with each inventory that was taken. */
  readonly onInventory?: (inventory: Inventory) => void
  /** Called with what an agent tells of itself; all that it speaks of is stored. */
  readonly onReport?: (report: AgentReport) => void
  /** What a report shows to be lost. */
  readonly lapses?: (report: AgentReport) => readonly Gap[]
  /** Called with gaps that are stored. */
  readonly onGaps?: (gaps: readonly Gap[]) => void
  /** Called after each append with its outcome and how long it took. */
  readonly onAppend?: (appended: Appended, seconds: number) => void
}

/** The one door for all inputs: completes records, stores them, and only then shows them to the live tails. */
export class Ingestor implements Ingest {
  readonly #options: IngestorOptions
  readonly #seen = new Map<string, bigint>()
  readonly #warned = new Map<string, bigint>()
  /** How many connections the agent of a node has. */
  readonly #connected = new Map<string, number>()

  constructor(options: IngestorOptions) {
    this.#options = options
  }

  async records(records: readonly IncomingRecord[], gaps: readonly Gap[] = []): Promise<number> {
    await this.#gaps(gaps)
    if (records.length === 0) return 0
    const { commits, onAppend } = this.#options
    this.#note(records)
    const start = performance.now()
    for (const record of records) complete(record)
    const appended = await commits.append(records)
    onAppend?.(appended, (performance.now() - start) / 1000)
    await this.#gaps(appended.refused ?? [])
    return records.length - appended.stored.length - appended.duplicates
  }

  async inventory(inventory: Inventory): Promise<void> {
    remember(this.#seen, inventory.nodeId, this.#options.now())
    await this.#options.inventories.take(inventory)
    this.#options.onInventory?.(inventory)
  }

  lost(report: AgentReport): readonly Gap[] {
    return this.#options.lapses?.(report) ?? []
  }

  report(report: AgentReport): void {
    remember(this.#seen, report.nodeId || report.nodeName, this.#options.now())
    this.#options.onReport?.(report)
  }

  agent(nodeId: string, nodeName: string): () => void {
    const node = nodeId || nodeName
    this.#connected.set(node, (this.#connected.get(node) ?? 0) + 1)
    return () => {
      const left = (this.#connected.get(node) ?? 0) - 1
      if (left > 0) this.#connected.set(node, left)
      else this.#connected.delete(node)
      remember(this.#seen, node, this.#options.now())
    }
  }

  /** When the agent of a node (by id, or by name outside a Swarm) was last heard of since this server started: now, while it is connected. */
  seen(node: string): bigint | undefined {
    return this.#connected.has(node) ? this.#options.now() : this.#seen.get(node)
  }

  /** When each node's agent was last heard of, for peers. */
  get seenNodes(): readonly (readonly [string, bigint])[] {
    const now = this.#options.now()
    const connected = [...this.#connected.keys()].map((node) => [node, now] as const)
    return [...[...this.#seen].filter(([node]) => !this.#connected.has(node)), ...connected]
  }

  /** A peer has heard of agents. */
  heard(nodes: readonly (readonly [string, bigint])[]): void {
    for (const [node, time] of nodes) if (time > (this.#seen.get(node) ?? 0n)) remember(this.#seen, node, time)
  }

  async #gaps(gaps: readonly Gap[]): Promise<void> {
    if (gaps.length === 0) return
    await this.#options.store.appendGaps(gaps)
    this.#options.onGaps?.(gaps)
  }

  #note(records: readonly LogRecord[]): void {
    const now = this.#options.now()
    const limit = now + MAX_AHEAD_NS
    const streams = new Set<LogRecord['stream']>()
    for (const record of records) {
      streams.add(record.stream)
      if (record.time > limit) this.#warn(record, now)
    }
    for (const stream of streams) remember(this.#seen, nodeOf(stream), now)
  }

  #warn(record: LogRecord, now: bigint): void {
    const node = nodeOf(record.stream)
    const last = this.#warned.get(node)
    if (last !== undefined && now - last < WARN_EVERY_NS) return
    remember(this.#warned, node, now)
    const aheadSeconds = Number((record.time - now) / 1_000_000_000n)
    const { nodeId, nodeName } = record.stream
    this.#options.log.warn({ nodeId, nodeName, aheadSeconds }, 'clock of a node runs ahead: set it by NTP')
  }
}

function nodeOf({ nodeId, nodeName }: LogRecord['stream']): string {
  return nodeId || nodeName
}

function remember(map: Map<string, bigint>, key: string, value: bigint): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= MAX_NODES) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}

/** Takes level and fields from the line, unless the input had them. In place: tens of thousands of lines wait for the store at a time. */
function complete(record: IncomingRecord): void {
  if (record.level !== '' || record.fields !== '') return
  const { level, fields } = parseLine(record.message)
  record.level = level
  record.fields = fields
}
