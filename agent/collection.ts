import type { Logger } from 'pino'
import { batcher } from './batcher.ts'
import type { AgentConfig } from './config.ts'
import type { Forwarder } from './forwarder.ts'
import { follow } from './pipeline.ts'
import type { Spool } from './spool.ts'
import type { AgentStatus } from './status.ts'
import type { Engine } from './tail/engine.ts'

export interface CollectionOptions {
  readonly config: AgentConfig
  readonly engine: Engine
  readonly spool: Spool
  readonly forwarder: Pick<Forwarder, 'isHungry'>
  readonly status: AgentStatus
  readonly log: Logger
  /** Ends when the containers that are being stopped have said their last words. */
  readonly drain: AbortSignal
  /** Ends following at once; what was read is still spooled. */
  readonly enough: AbortSignal
  /** Ends everything at once, whatever is still in memory. */
  readonly abandon: AbortSignal
}

/** Lines from Docker to the spool: follows all containers from the checkpoints of the store in use, and again from others when that changes. */
export class Collection {
  readonly #options: CollectionOptions
  #round = new AbortController()

  constructor(options: CollectionOptions) {
    this.#options = options
  }

  /** Starts anew from the spool's checkpoints: what was read and not spooled is forgotten, and will be read again. */
  restart(): void {
    this.#round.abort()
  }

  /** Runs until one of the signals ends it. */
  async run(): Promise<void> {
    const { drain, enough, abandon } = this.#options
    for (;;) {
      await this.#runRound(this.#round.signal)
      if (!this.#round.signal.aborted || drain.aborted || enough.aborted || abandon.aborted) return
      this.#round = new AbortController()
    }
  }

  async #runRound(restart: AbortSignal): Promise<void> {
    const { config, engine, spool, forwarder, status, log, drain, enough, abandon } = this.#options
    const dropAll = AbortSignal.any([restart, abandon])
    const batches = follow({
      engine,
      checkpoints: { load: (containerId) => spool.checkpoint(containerId) },
      backfillNs: config.backfillNs,
      cluster: config.cluster || undefined,
      nodeName: config.nodeName || undefined,
      includeSelf: config.includeSelf,
      ownForwardAddresses: config.fluentdAddresses,
      signal: AbortSignal.any([dropAll, enough]),
      drain,
      log,
      status,
    })
    for await (const chunk of batcher(batches, { isHungry: () => forwarder.isHungry })) {
      if (!(await spool.append(chunk, dropAll))) return
    }
  }
}
