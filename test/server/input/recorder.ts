import type { Ingest } from '../../../server/ingest.ts'
import type { ForwardMetrics } from '../../../server/input/forward/metrics.ts'
import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Gap } from '../../../shared/gap.ts'
import type { Inventory } from '../../../shared/inventory.ts'
import type { LogRecord } from '../../../shared/record.ts'
import type { AgentReport } from '../../../shared/report.ts'

/** An Ingest in memory that keeps what it is given, and can be made to fail or to wait. */
export class RecordingIngest implements Ingest {
  readonly stored: LogRecord[] = []
  readonly inventories: Inventory[] = []
  readonly gaps: Gap[] = []
  /** What reports show to be lost. */
  shownLost: readonly Gap[] = []
  readonly reports: AgentReport[] = []
  /** Ids of the nodes whose agents are connected. */
  readonly agents: string[] = []
  /** Sizes of the appends. */
  readonly batches: number[] = []
  isFailing = false
  tries = 0
  #gate: PromiseWithResolvers<void> | undefined
  #waiting: { count: number; resolve: () => void }[] = []

  get messages(): string[] {
    return this.stored.map(({ message }) => message)
  }

  async records(records: readonly LogRecord[], gaps: readonly Gap[] = []): Promise<number> {
    this.tries++
    await this.#gate?.promise
    this.#settle()
    if (this.isFailing)
      throw new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', 'cannot store now; free some disk space')
    this.stored.push(...records)
    this.gaps.push(...gaps)
    this.batches.push(records.length)
    this.#settle()
    return 0
  }

  async inventory(inventory: Inventory): Promise<void> {
    this.inventories.push(inventory)
    this.#settle()
  }

  lost(): readonly Gap[] {
    return this.shownLost
  }

  report(report: AgentReport): void {
    this.reports.push(report)
  }

  agent(nodeId: string): () => void {
    this.agents.push(nodeId)
    return () => this.agents.splice(this.agents.indexOf(nodeId), 1)
  }

  /** Lets no append end until `release`. */
  hold(): void {
    this.#gate = Promise.withResolvers()
  }

  release(): void {
    this.#gate?.resolve()
    this.#gate = undefined
  }

  /** Resolves when so many records (and inventories) are stored. */
  async until(count: number): Promise<void> {
    if (this.stored.length + this.inventories.length >= count) return
    await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }))
  }

  #settle(): void {
    const count = this.stored.length + this.inventories.length
    for (const waiting of this.#waiting.filter((one) => one.count <= count)) waiting.resolve()
    this.#waiting = this.#waiting.filter((one) => one.count > count)
  }
}

/** Counts by name; `rejected` by reason. */
export class RecordingMetrics implements ForwardMetrics {
  open = 0
  opened = 0
  frames = 0
  stored = 0
  readonly reasons: Record<string, number> = {}
  #waiting: { reason: string; resolve: () => void }[] = []

  connections(change: 1 | -1): void {
    this.open += change
    if (change === 1) this.opened++
  }

  frame(): void {
    this.frames++
  }

  records(count: number): void {
    this.stored += count
  }

  rejected(reason: string, count: number): void {
    this.reasons[reason] = (this.reasons[reason] ?? 0) + count
    for (const waiting of this.#waiting.filter((one) => one.reason === reason)) waiting.resolve()
    this.#waiting = this.#waiting.filter((one) => one.reason !== reason)
  }

  /** Resolves once something was rejected for this reason. */
  async until(reason: string): Promise<void> {
    if (this.reasons[reason] !== undefined) return
    await new Promise<void>((resolve) => this.#waiting.push({ reason, resolve }))
  }
}
