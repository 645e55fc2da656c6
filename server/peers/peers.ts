import { lookup } from 'node:dns/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Gap } from '../../shared/gap.ts'
import type { Inventory } from '../../shared/inventory.ts'
import type { AgentReport } from '../../shared/report.ts'
import type { Annotation } from '../annotations.ts'
import type { Announcer } from './announcer.ts'
import type { Feed } from './feed.ts'
import type { Frame } from './frames.ts'
import { Link, type LinkHub, type PeerAddress } from './link.ts'
import type { SharedCommits } from './shared-commits.ts'

/** What the peers of a server need of it. */
export interface PeersOptions {
  /** Names, each of which may stand for several servers, this one among them. */
  readonly names: readonly PeerAddress[]
  readonly commits: SharedCommits
  readonly announcer: Announcer
  readonly log: Logger
  readonly token: () => string | undefined
  readonly certificate: () => Buffer | undefined
  /** What other servers know of nodes and their Swarms. */
  readonly learn: {
    seen(nodes: readonly (readonly [string, bigint])[]): void
    inventory(inventory: Inventory): void
    report(report: AgentReport, after: bigint): void
    gaps(gaps: readonly Gap[]): void
    noted(annotation: Annotation): void
  }
  /** When this server last heard of its agents. */
  readonly seen: () => readonly (readonly [string, bigint])[]
}

const RESOLVE_MS = 2_000
const TICK_MS = 100
const CHECK_MS = 500
const NODES_MS = 5_000
/** A Swarm has a few servers; beyond, the addresses are those of something else. */
const MAX_PEERS = 64
const START_MS = 3_000
/** A peer answers at once; an address where nothing does must not hold up the tails. */
const HOLD_MS = 300
const SETTLE_MS = 20
/** How long an address is tried that is not found any more. */
const FORGET_MS = 30_000
const FETCH_MS = 2_000

/** Finds the other servers, listens to what they commit, and tells them what this one does. */
export class Peers implements LinkHub {
  readonly #options: PeersOptions
  readonly #links = new Map<string, Entry>()
  /** The peers that are heard. */
  readonly #heard = new Set<string>()
  readonly #timers: NodeJS.Timeout[] = []
  #port = 0
  #begun: Promise<void> = Promise.resolve()

  constructor(options: PeersOptions) {
    this.#options = options
    options.commits.onWanted(() => this.#fetch())
  }

  /** Begins, with the port that this server is reached by; resolves when the peers that are in reach listen to it, too. */
  async start(port: number): Promise<void> {
    this.#port = port
    this.#every(RESOLVE_MS, () => void this.#resolve())
    this.#every(TICK_MS, () => this.#options.commits.tick())
    this.#every(CHECK_MS, () => this.#check())
    this.#every(NODES_MS, () => this.#options.announcer.nodes(this.#options.seen()))
    this.#begun = this.#begin()
    await this.#begun
  }

  /** A peer wants to know what this server commits: whoever asks is listened to, too. */
  subscribe(query: Readonly<Record<string, string | undefined>>, host: string): Feed {
    const { instance = '', from = '', port = '', upTo = '0', safe = '0', records } = query
    this.#options.commits.follow(BigInt(safe))
    if (from !== this.#options.announcer.instance && !this.#heard.has(from)) this.#add({ host, port: Number(port) })
    const known = { instance, upTo: BigInt(upTo), wantsRecords: records === '1' }
    const feed = this.#options.announcer.subscribe(known)
    this.#options.commits.tick()
    return feed
  }

  /** Ends all; says goodbye when nothing of this server can turn up in the store any more. */
  close(): void {
    const { announcer, commits } = this.#options
    for (const timer of this.#timers) clearInterval(timer)
    announcer.close(commits.isQuiet)
    for (const { link } of this.#links.values()) link.close()
  }

  question(instance: string, wantsRecords: boolean): URLSearchParams {
    const { announcer, commits } = this.#options
    return new URLSearchParams({
      ...{ from: announcer.instance, port: String(this.#port), instance, records: wantsRecords ? '1' : '0' },
      ...{ upTo: String(commits.promiseOf(instance) ?? 0n), safe: String(commits.lastReceived) },
    })
  }

  hold(instance: string): () => void {
    const { commits } = this.#options
    if (commits.promiseOf(instance) !== undefined) return () => {}
    const release = commits.hold()
    const timer = setTimeout(release, HOLD_MS)
    timer.unref()
    return () => {
      clearTimeout(timer)
      release()
    }
  }

  token(): string | undefined {
    return this.#options.token()
  }

  certificate(): Buffer | undefined {
    return this.#options.certificate()
  }

  get isWanted(): boolean {
    return this.#options.commits.isWanted
  }

  welcome(instance: string): boolean {
    if (instance === this.#options.announcer.instance || this.#heard.has(instance)) return false
    this.#heard.add(instance)
    this.#options.log.info({ peer: instance }, 'peer is heard')
    return true
  }

  take(instance: string, frame: Frame, hasRecords: boolean): void {
    const { commits, learn } = this.#options
    if (frame.kind === 'nodes') learn.seen(frame.seen)
    else if (frame.kind === 'inventory') learn.inventory(frame.inventory)
    else if (frame.kind === 'report') learn.report(frame.report, frame.after)
    else if (frame.kind === 'gaps') learn.gaps(frame.gaps)
    else if (frame.kind === 'annotation') learn.noted(frame.annotation)
    else commits.take(instance, frame, hasRecords)
  }

  away(instance: string): void {
    this.#heard.delete(instance)
    this.#options.commits.away(instance)
  }

  async #begin(): Promise<void> {
    await this.#resolve()
    const isSettled = () =>
      [...this.#links.values()].every(({ link }) => link.isSettled) && this.#options.announcer.size >= this.#heard.size
    for (let waited = 0; !isSettled() && waited < START_MS; waited += SETTLE_MS) await delay(SETTLE_MS)
  }

  /** Resolves when all peers that are in reach send records; a tail must not wait for one that does not. */
  async #fetch(): Promise<void> {
    await this.#begun
    const late = new AbortController()
    const fetched = Promise.all([...this.#links.values()].map(({ link }) => link.fetch()))
    await Promise.race([fetched, delay(FETCH_MS, undefined, { signal: late.signal, ref: false }).catch(() => {})])
    late.abort()
  }

  async #resolve(): Promise<void> {
    for (const { host, port } of this.#options.names) {
      // A name has no address before the first server is healthy.
      const found = await lookup(host, { all: true }).catch(() => [])
      for (const { address } of found) this.#add({ host: address, port })
    }
    for (const [key, { link, addedMs }] of this.#links) {
      if (link.isOpen || performance.now() - addedMs < FORGET_MS) continue
      link.close()
      this.#links.delete(key)
    }
  }

  #add(address: PeerAddress): void {
    const key = `${address.host} ${address.port}`
    const known = this.#links.get(key)
    if (known !== undefined) known.addedMs = performance.now()
    else if (this.#links.size < MAX_PEERS) {
      const link = new Link(this, address)
      this.#links.set(key, { link, addedMs: performance.now(), complaint: '' })
      void link.run()
    }
  }

  #check(): void {
    const { commits, log } = this.#options
    for (const peer of commits.check()) log.warn({ peer }, 'peer is out of reach: tails go on without what it commits')
    for (const [address, entry] of this.#links) {
      const { complaint } = entry.link
      if (complaint !== '' && complaint !== entry.complaint)
        log.warn({ address, reason: complaint }, 'peer cannot be heard')
      entry.complaint = complaint
    }
  }

  #every(ms: number, work: () => void): void {
    const timer = setInterval(work, ms)
    timer.unref()
    this.#timers.push(timer)
  }
}

/** A link, when its address was last found, and what was last said about it. */
interface Entry {
  readonly link: Link
  addedMs: number
  complaint: string
}
