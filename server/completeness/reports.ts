import type { AgentReport } from '../../shared/report.ts'
import { least } from './bigint.ts'

/** Nodes whose reports are kept; far more than a Swarm has. The one that was silent for longest goes. */
const MAX_NODES = 10_000
/** A node that is silent for so long is not coming back. */
const FORGET_NS = 30n * 86_400_000_000_000n
/** Reports of one node that wait until what they speak of can be found. */
const MAX_WAITING = 8
/** A peer's report is older than ours by its clock: after such a silence it is the clock that was set. */
const SILENT_NS = 30_000_000_000n
const FORMAT = 1

/** How far a node was known before any report that says less: since when its agent's state goes back, '' while that was not said, and the newest watermark. */
interface Known {
  readonly state: string
  readonly upTo: string
}

/** A report, with when this server took it, and what it speaks of: a store, and the commit up to which a search must see for it to be true. */
interface Entry extends Known {
  readonly store: string
  readonly report: AgentReport
  readonly heard: bigint
  readonly after: bigint
}

interface Saved {
  readonly format: number
  readonly reports: readonly (Partial<Known> & {
    readonly report: AgentReport
    readonly heard: string
    readonly store: string
  })[]
}

/** What a node is known by. */
export function nodeKey({ nodeId, nodeName }: Pick<AgentReport, 'nodeId' | 'nodeName'>): string {
  return nodeId || nodeName
}

/** The last reports of all nodes. What they say is stored is so in one store only: when that lost something, or is another one, it is to be told anew. */
export class Reports {
  readonly #store: () => string
  readonly #entries = new Map<string, readonly [Entry, ...Entry[]]>()

  /** `store` tells which store it is now. */
  constructor(store: () => string) {
    this.#store = store
  }

  /** Takes what an agent told this server; `seen` is up to where searches see now. */
  take(report: AgentReport, heard: bigint, after: bigint, seen: bigint): void {
    const key = nodeKey(report)
    const known = this.#entries.get(key) ?? []
    const entry = { report, heard, after, store: this.#store(), ...knownBy(report, known.at(-1)) }
    const current = known.findLastIndex((one) => one.after <= seen)
    const [first, ...others] = [...known.slice(Math.max(current, 0)), entry]
    // The second goes when there are too many: the first is what holds now, and the last must come to hold.
    if (others.length >= MAX_WAITING) others.shift()
    this.#entries.delete(key)
    this.#entries.set(key, [first ?? entry, ...others])
    if (this.#entries.size > MAX_NODES)
      for (const oldest of this.#entries.keys()) return void this.#entries.delete(oldest)
  }

  /** From when to when nobody knows what came and went on a node: its agent's state began later than all that was told before; undefined: never. */
  lapse(report: AgentReport): { readonly from: bigint; readonly to: bigint } | undefined {
    const before = this.#entries.get(nodeKey(report))?.at(-1)
    const { stateSince = '' } = report
    if (before === undefined || stateSince === '' || before.state === stateSince || before.upTo === '') return undefined
    const [from, to] = [least(before.heard, [BigInt(before.upTo)]), BigInt(stateSince)]
    return from < to ? { from, to } : undefined
  }

  /** Takes what an agent told another server, unless this one knows better; whether it did. */
  adopt(report: AgentReport, heard: bigint, after: bigint, seen: bigint): boolean {
    const known = this.#entries.get(nodeKey(report))?.at(-1)
    const isOlder = known !== undefined && timeOf(report) < timeOf(known.report) && heard - known.heard < SILENT_NS
    if (!isOlder) this.take(report, heard, after, seen)
    return !isOlder
  }

  /** The reports that hold for a search that sees up to here. */
  at(seen: bigint): ReadonlyMap<string, AgentReport> {
    const reports = new Map<string, AgentReport>()
    const store = this.#store()
    for (const [key, entries] of this.#entries) {
      const entry = entries.findLast((one) => one.after <= seen && one.store === store)
      // What was told at last may not hold yet; that the node has an agent is known all the same.
      reports.set(key, entry === undefined ? { ...entries[0].report, upTo: '', leaving: false } : believed(entry))
    }
    return reports
  }

  /** The newest report of each node, whatever it speaks of. */
  get newest(): readonly { readonly report: AgentReport; readonly heard: bigint }[] {
    return [...this.#entries.values()].flatMap((entries) => entries.at(-1) ?? [])
  }

  /** All of it as text, but for nodes that are silent for too long: they are forgotten. */
  save(now: bigint): string {
    for (const [key, entries] of this.#entries)
      if (now - (entries.at(-1)?.heard ?? now) > FORGET_NS) this.#entries.delete(key)
    const last = [...this.#entries.values()].flatMap((entries) => entries.at(-1) ?? [])
    const reports = last.map(({ after: _, ...kept }) => ({ ...kept, heard: String(kept.heard) }))
    return JSON.stringify({ format: FORMAT, reports } satisfies Saved)
  }

  /** Reads what `save` wrote; what cannot be read is told anew by the agents. */
  load(text: string): void {
    const saved = parse(text)
    if (saved?.format !== FORMAT) return
    for (const { heard, ...kept } of saved.reports) {
      const entry = { ...knownBy(kept.report), ...kept, heard: BigInt(heard), after: 0n }
      this.#entries.set(nodeKey(kept.report), [entry])
    }
  }
}

/** A clock that is ahead speaks of lines that are still to come; once it is set right, they come. */
function believed({ report, heard }: Entry): AgentReport {
  return report.upTo !== '' && BigInt(report.upTo) > heard ? { ...report, upTo: String(heard) } : report
}

function knownBy({ stateSince, upTo }: AgentReport, before?: Known): Known {
  return { state: stateSince || before?.state || '', upTo: upTo || before?.upTo || '' }
}

function timeOf({ time }: AgentReport): bigint {
  return BigInt(time || 0)
}

function parse(text: string): Saved | undefined {
  try {
    return JSON.parse(text) as Saved
  } catch {
    return undefined
  }
}
