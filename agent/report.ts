import { setTimeout as sleep } from 'node:timers/promises'
import type { AgentReport } from '../shared/report.ts'
import { programVersion } from '../shared/version.ts'
import type { Collection } from './collection.ts'
import type { Forwarder } from './forwarder.ts'
import { oddContainers } from './report/content.ts'
import type { EngineClock } from './report/engine-clock.ts'
import { keepMark, keptMark } from './report/kept-mark.ts'
import { Rates } from './report/rates.ts'
import { takeSight } from './report/sights.ts'
import { type Mark, type Sight, Watermark } from './report/watermark.ts'
import type { Spool } from './spool.ts'
import type { AgentStatus } from './status.ts'

export interface ReportsOptions {
  readonly spool: Spool
  readonly forwarder: Pick<Forwarder, 'setReport' | 'hasReported' | 'status'>
  readonly status: AgentStatus
  readonly clock: EngineClock
  /** undefined while nothing is collected. */
  readonly collection: () => Pick<Collection, 'tails' | 'handed' | 'taken'> | undefined
  readonly node: () => { readonly id: string; readonly name: string; readonly cluster: string }
}

const REPORT_EVERY_MS = 2_000
/** How often it is looked whether something has changed that the server must know at once. */
const LOOK_EVERY_MS = 250
/** A sight in which nothing is behind is taken so often; one with something behind when there was none for longer. */
const SIGHT_EVERY_MS = 1_000
const LATEST_SIGHT_MS = 2_000

/** Tells the server every two seconds, and when something has changed, how the agent is doing and up to when it has shipped everything. */
export class Reports {
  readonly #options: ReportsOptions
  readonly #rates: Rates
  readonly #since = nowNs()
  #store: string
  #watermark: Watermark
  /** What is kept over a restart: nothing newer may be told. */
  #mark: Mark | undefined
  #isOver = false
  #sightMs = Number.NEGATIVE_INFINITY
  #toldMs = Number.NEGATIVE_INFINITY
  #toldState = ''

  constructor(options: ReportsOptions) {
    this.#options = options
    this.#rates = new Rates(options.status)
    this.#store = options.spool.store
    this.#mark = keptMark(options.spool)
    this.#watermark = new Watermark(this.#mark)
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look()
      await sleep(LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  /** Sends the last word once nothing is collected any more, and waits until the server has it; not without a connection. */
  async lastWord(signal: AbortSignal): Promise<void> {
    const { spool, forwarder } = this.#options
    this.#isOver = true
    this.#settle()
    const report = this.#compose()
    forwarder.setReport(report)
    const end = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    while (!forwarder.hasReported(report) && forwarder.status.connected && !signal.aborted)
      await Promise.race([spool.changed.wait(), end])
  }

  /** What was stored is not any more. */
  forget(): void {
    this.#mark = undefined
    this.#watermark = new Watermark()
  }

  async #look(): Promise<void> {
    await this.#see()
    if (this.#isOver) return
    this.#settle()
    const { spool, status, forwarder } = this.#options
    const state = JSON.stringify([spool.store, spool.waits, status.engine, forwarder.status.connected])
    if (state === this.#toldState && performance.now() - this.#toldMs < REPORT_EVERY_MS) return
    this.#toldState = state
    this.#toldMs = performance.now()
    forwarder.setReport(this.#compose())
  }

  async #see(): Promise<void> {
    const age = performance.now() - this.#sightMs
    if (age < SIGHT_EVERY_MS) return
    const { clock, status, collection } = this.#options
    const sight = await takeSight({ clock, status, collection })
    if (sight === undefined || (sight.behind.size > 0 && age < LATEST_SIGHT_MS)) return
    this.#sightMs = performance.now()
    this.#take(sight)
  }

  #take(sight: Sight): void {
    this.#followStore()
    this.#watermark.see(sight)
  }

  #settle(): void {
    this.#followStore()
    const { spool, collection, status } = this.#options
    const { lastSeq, oldestSeq } = spool
    this.#watermark.settle({ taken: collection()?.taken ?? 0, lastSeq, oldestSeq })
    const { mark } = this.#watermark
    if (mark === undefined || (mark !== this.#mark && keepMark(spool, mark, status.hasEvents))) this.#mark = mark
  }

  /** What one store has another one does not; but what was read before any was known goes to the first. */
  #followStore(): void {
    const { store } = this.#options.spool
    if (store === this.#store) return
    const isFirst = this.#store === ''
    this.#store = store
    if (!isFirst) this.forget()
  }

  #compose(): AgentReport {
    const { spool, forwarder: _, status, clock, collection, node } = this.#options
    const { id, name, cluster } = node()
    const tails = collection()?.tails
    return {
      ...{ cluster, nodeId: id, nodeName: name, version: programVersion(), engine: clock.version },
      ...{
        time: String(nowNs()),
        engineAheadMs: clock.aheadMs,
        upTo: String(this.#mark?.upTo ?? ''),
        since: String(this.#since),
        ...(spool.since !== '' && { stateSince: spool.since }),
      },
      following: status.following,
      ...oddContainers(tails?.targets ?? [], status, this.#mark),
      spool: {
        ...{ chunks: spool.size, bytes: spool.bytes, maxBytes: spool.maxBytes, policy: spool.policy },
        ...{ waits: spool.waits, dropped: spool.dropped },
      },
      ...this.#rates.at(performance.now()),
      trouble: status.engine === 'reachable' ? '' : status.engine,
      leaving: this.#isOver,
      unfinished: this.#unfinished(tails?.unfinished ?? ['']),
    }
  }

  /** Containers that there may be more of: they still run or are not read, or their lines are not stored. */
  #unfinished(reading: readonly string[]): number {
    return this.#isOver ? new Set([...reading, ...this.#options.spool.containers]).size : reading.length
  }
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}
