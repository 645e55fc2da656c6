import type { Logger } from 'pino'
import { batcher } from './batcher.ts'
import type { AgentConfig } from './config.ts'
import { forAnotherStore } from './followed.ts'
import type { Forwarder } from './forwarder.ts'
import type { Checkpoint, TailBatch } from './line.ts'
import { follow } from './pipeline.ts'
import { keptWatch } from './report/kept-mark.ts'
import { Tails } from './report/tails.ts'
import type { Spool } from './spool.ts'
import type { AgentStatus } from './status.ts'
import type { Engine } from './tail/engine.ts'
import { nanosNow } from './tail/gaps.ts'

export interface CollectionOptions {
  readonly config: AgentConfig
  readonly engine: Engine
  readonly spool: Spool
  readonly forwarder: Pick<Forwarder, 'isHungry'>
  readonly status: AgentStatus
  /** How long the server keeps lines; undefined while that is not known. */
  readonly retentionMs: () => number | undefined
  readonly log: Logger
  /** Ends when the containers that are being stopped have said their last words. */
  readonly drain: AbortSignal
  /** Ends following at once; what was read is still spooled. */
  readonly enough: AbortSignal
  /** Ends everything at once, whatever is still in memory. */
  readonly abandon: AbortSignal
}

const PRUNE_EVERY_MS = 3_600_000

/** Lines from Docker to the spool: follows all containers from the checkpoints of the store in use, and again from others when that changes. */
export class Collection {
  readonly #options: CollectionOptions
  #round = new AbortController()
  #tails: Tails | undefined
  #handed = 0
  #taken = 0
  #prunedMs = 0
  #failure: { readonly error: unknown } | undefined

  constructor(options: CollectionOptions) {
    this.#options = options
  }

  /** The live tails of the round that runs. */
  get tails(): Tails | undefined {
    return this.#tails
  }

  /** How many lines and gaps were handed on to the spool, and how many of them it has. */
  get handed(): number {
    return this.#handed
  }

  get taken(): number {
    return this.#taken
  }

  /** Starts anew from the spool's checkpoints: what was read and not spooled is forgotten, and will be read again. */
  restart(): void {
    // That these have read all says nothing of the store that is to get it now.
    this.#tails = undefined
    this.#round.abort()
  }

  /** Runs until one of the signals ends it. Throws when the spool cannot be read or written. */
  async run(): Promise<void> {
    const { drain, enough, abandon } = this.#options
    for (;;) {
      await this.#runRound(this.#round.signal)
      if (this.#failure !== undefined) throw this.#failure.error
      if (!this.#round.signal.aborted || drain.aborted || enough.aborted || abandon.aborted) return
      this.#round = new AbortController()
    }
  }

  async #runRound(restart: AbortSignal): Promise<void> {
    const { config, engine, spool, forwarder, status, retentionMs, log, drain, enough, abandon } = this.#options
    const dropAll = AbortSignal.any([restart, abandon])
    const tails = new Tails()
    this.#tails = tails
    // What the round before had read and not spooled is read again.
    this.#taken = this.#handed
    const batches = follow({
      engine,
      checkpoints: {
        load: (id) => this.#sure(() => spool.checkpoint(id) ?? elsewhere(spool, id)),
        unlisted: (ids) => this.#sure(() => spool.unlisted(ids)) ?? [],
        spooledElsewhere: (id) => this.#sure(() => spool.spooledElsewhere(id)),
        listed: (ids) => this.#onListed(ids, tails),
      },
      since: keptWatch(spool),
      knowsSince: () => spool.since,
      backfillNs: config.backfillNs,
      retentionMs,
      cluster: config.cluster || undefined,
      nodeName: config.nodeName || undefined,
      includeSelf: config.includeSelf,
      ownForwardAddresses: config.fluentdAddresses,
      signal: AbortSignal.any([dropAll, enough]),
      drain,
      log,
      status,
      tails,
    })
    for await (const chunk of batcher(this.#counted(batches), { isHungry: () => forwarder.isHungry })) {
      if (!(await spool.append(chunk, dropAll))) return
      this.#taken += chunk.records + (chunk.gaps ?? 0)
    }
  }

  async *#counted(batches: AsyncIterable<TailBatch>): AsyncGenerator<TailBatch> {
    for await (const batch of batches) {
      this.#handed += batch.lines.length + (batch.gaps?.length ?? 0)
      yield batch
    }
  }

  /** A spool that fails must end the round, not look to discovery like an engine that does. */
  #sure<Found>(look: () => Found): Found | undefined {
    try {
      return look()
    } catch (error) {
      this.#failure ??= { error }
      this.#round.abort()
      return undefined
    }
  }

  #onListed(listed: ReadonlySet<string>, tails: Tails): void {
    tails.isListed = true
    this.#options.spool.listed(nanosNow())
    this.#prune(listed)
  }

  #prune(listed: ReadonlySet<string>): void {
    const nowMs = Date.now()
    if (nowMs - this.#prunedMs < PRUNE_EVERY_MS) return
    this.#prunedMs = nowMs
    try {
      const pruned = this.#options.spool.prune(listed, nowMs)
      if (pruned > 0) this.#options.log.info({ pruned }, 'checkpoints of containers long gone were dropped')
    } catch (error) {
      this.#options.log.warn({ err: error }, 'cannot drop checkpoints of containers long gone now')
    }
  }
}

/** What another store's checkpoint is for the one in use. */
function elsewhere(spool: Spool, id: string): Checkpoint | undefined {
  return forAnotherStore(spool.checkpointElsewhere(id), spool.spooledElsewhere(id))
}
