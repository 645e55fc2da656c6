import { once } from 'node:events'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Opening } from '../shared/forward/lineage.ts'
import { WIRE_FORMAT } from '../shared/forward/own.ts'
import { programVersion } from '../shared/version.ts'
import { Collection } from './collection.ts'
import type { AgentConfig } from './config.ts'
import { Forwarder } from './forwarder.ts'
import { identify } from './identify.ts'
import { inventories } from './inventory.ts'
import { EngineClock } from './report/engine-clock.ts'
import { Reports } from './report.ts'
import { Reporter } from './reporter.ts'
import { readSharedKeys } from './shared-keys.ts'
import { Spool } from './spool.ts'
import { AgentStatus } from './status.ts'
import { Engine } from './tail/engine.ts'
import type { NodeIdentity } from './target.ts'

/** What the agent works with, for the line that says that it is ready. */
export interface AgentAddresses {
  readonly docker: string
  /** HOST:PORT */
  readonly server: string
  readonly state: string
}

/** The server is told which node it talks to, so the engine is asked first; a hung one does not keep the spool from being shipped. */
const IDENTIFY_MS = 5_000
/** The share of the grace after which following ends, so that the rest is left for shipping. */
const FOLLOW_SHARE = 0.8

/** The agent on one spool: its parts, and the order in which they start and stop. */
export class Run {
  readonly #config: AgentConfig
  readonly #log: Logger
  readonly #spool: Spool
  readonly #engine: Engine
  readonly #forwarder: Forwarder
  readonly #status = new AgentStatus()
  readonly #stop = new AbortController()
  readonly #reporter: Reporter
  readonly #clock = new EngineClock()
  readonly #reports: Reports
  #collection: Collection | undefined
  #node: NodeIdentity = { id: '', name: hostname(), cluster: '' }
  /** How long the server keeps lines; undefined until it has said so. */
  #retentionMs: number | undefined
  #isClosed = false

  constructor(config: AgentConfig, log: Logger) {
    this.#config = config
    this.#log = log
    this.#engine = new Engine(config.docker)
    const { stateDir: dir, spoolBytes: maxBytes, spoolPolicy: policy } = config
    this.#spool = new Spool({ dir, maxBytes, policy, log })
    this.#forwarder = new Forwarder({
      server: config.server,
      sharedKeys: () => readSharedKeys(config.sharedKeys),
      hello: () => this.#hello(),
      spool: this.#spool,
      onStore: (...told) => this.#onStore(...told),
      log,
    })
    this.#reports = new Reports({
      ...{ spool: this.#spool, forwarder: this.#forwarder, status: this.#status, clock: this.#clock },
      collection: () => this.#collection,
      node: () => this.#identity,
    })
    this.#reporter = new Reporter({ spool: this.#spool, forwarder: this.#forwarder, status: this.#status, log })
  }

  /** Runs until the signal aborts and what follows is done, or a part fails. */
  async untilStopped(signal: AbortSignal, onReady: (addresses: AgentAddresses) => void): Promise<void> {
    const { host, port } = this.#config.server
    const identified = this.#identify(signal)
    void identified.then((isKnown) => {
      if (isKnown) onReady({ docker: this.#engine.host, server: `${host}:${port}`, state: this.#config.stateDir })
    })
    const abandon = new AbortController()
    const { signal: stop } = this.#stop
    const parts = [this.#ship(identified), this.#observe(), this.#reporter.run(stop), this.#report(identified)]
    try {
      await Promise.race([this.#collectAndShip(signal, abandon.signal), ...parts.map(failure)])
    } finally {
      abandon.abort()
      this.#stop.abort()
      await Promise.allSettled(parts)
      this.#reporter.report()
    }
  }

  /** Closes the spool; the parts must have ended. */
  close(): void {
    if (!this.#isClosed) this.#spool.close()
    this.#isClosed = true
  }

  /** Whether the engine has said who it is before the agent stops; discovery says what is wrong with it. */
  async #identify(signal: AbortSignal): Promise<boolean> {
    const node = await identify(this.#engine, signal)
    this.#node = node ?? this.#node
    return node !== undefined
  }

  async #ship(identified: Promise<boolean>): Promise<void> {
    await Promise.race([identified, delay(IDENTIFY_MS, undefined, { signal: this.#stop.signal }).catch(() => {})])
    await this.#forwarder.run(this.#stop.signal)
  }

  /** The server must know whom a report is of. */
  async #report(identified: Promise<boolean>): Promise<void> {
    const { signal } = this.#stop
    if (!(await identified)) return
    await Promise.all([this.#clock.run(this.#engine, signal), this.#reports.run(signal)])
  }

  async #observe(): Promise<void> {
    const options = { engine: this.#engine, signal: this.#stop.signal, log: this.#log }
    for await (const inventory of inventories(options)) this.#forwarder.setInventory(inventory)
  }

  /** Follows all containers; after the signal until their last words are read, then waits for the acks, all within the grace. */
  async #collectAndShip(signal: AbortSignal, abandon: AbortSignal): Promise<void> {
    const enough = new AbortController()
    const over = new AbortController()
    void this.#stopInSteps(signal, abandon, enough, over)
    this.#collection = new Collection({
      config: this.#config,
      engine: this.#engine,
      spool: this.#spool,
      forwarder: this.#forwarder,
      status: this.#status,
      retentionMs: () => this.#retentionMs,
      log: this.#log,
      drain: signal,
      enough: enough.signal,
      abandon: AbortSignal.any([abandon, over.signal]),
    })
    await this.#collection.run()
    const end = aborted(over.signal)
    while (this.#spool.size > 0 && !over.signal.aborted) await Promise.race([this.#spool.changed.wait(), end])
    if (this.#node.id !== '') await this.#reports.lastWord(over.signal)
    const { size: chunks, bytes } = this.#spool
    this.#log.info(
      { chunks, bytes },
      chunks === 0 ? 'agent has shipped everything' : 'agent leaves chunks in the spool',
    )
  }

  /** Once the signal aborts: first following, then shipping is ended, each when its share of the grace is over. */
  async #stopInSteps(signal: AbortSignal, abandon: AbortSignal, enough: AbortController, over: AbortController) {
    const { stopGraceMs } = this.#config
    const followMs = stopGraceMs * FOLLOW_SHARE
    try {
      if (!signal.aborted) await once(signal, 'abort', { signal: abandon })
      this.#log.info({ stopGraceMs }, 'agent stops: reading the last words, then shipping')
      await delay(followMs, undefined, { signal: abandon })
      enough.abort()
      await delay(stopGraceMs - followMs, undefined, { signal: abandon })
      over.abort()
    } catch {
      // Everything ended before.
    }
  }

  /** Who the engine is, as the settings have it called. */
  get #identity(): NodeIdentity {
    const { nodeName, cluster } = this.#config
    return { id: this.#node.id, name: nodeName || this.#node.name, cluster: cluster || this.#node.cluster }
  }

  #hello() {
    const { id: nodeId, name: nodeName } = this.#identity
    return { format: WIRE_FORMAT, version: programVersion(), nodeId, nodeName }
  }

  #onStore(store: string, retentionMs?: number, openings?: readonly Opening[]): void {
    this.#retentionMs = retentionMs
    const before = this.#spool.store
    const change = this.#spool.useStore(store, openings)
    if (change !== 'other' && change !== 'older') return
    const what = change === 'older' ? 'the store lacks what it has acked: it is an older copy' : 'store changed'
    this.#log.warn({ before, store }, `${what}; sending it what Docker still holds and it does not know`)
    this.#forwarder.forgetReport()
    this.#reports.forget()
    this.#collection?.restart()
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}

/** Never resolves; rejects when a part fails. */
async function failure(part: Promise<void>): Promise<never> {
  await part
  return new Promise(() => {})
}
