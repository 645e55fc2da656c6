import type { LATE_REASONS } from '../../shared/api/completeness.ts'
import type { Inventory, ServiceInfo } from '../../shared/inventory.ts'
import type { AgentReport, ReportedContainer, ReportedContainers } from '../../shared/report.ts'
import type { Departure, FormerPlacement } from '../former.ts'
import { greatest, least } from './bigint.ts'
import { type Member, membersOf } from './membership.ts'
import { type Wanted, wantsContainer, wantsNode, wantsService } from './wanted.ts'

/** Agents report every few seconds: so much of the end of an open question may still be on its way. */
const OPEN_END_NS = 15_000_000_000n
/** An inventory that is older says nothing about who is in the Swarm now. */
const FRESH_NS = 60_000_000_000n

type LateReason = (typeof LATE_REASONS)[number]

/** A node of which lines are missing. */
export interface LateNode {
  readonly id: string
  readonly name: string
  readonly reason: LateReason
  /** Up to this time its lines are here; absent: nothing is known. */
  readonly upTo?: bigint
}

/** A container that a report names. */
export interface NamedContainer extends ReportedContainer {
  readonly node: string
}

/** What is known of the nodes when the question is answered. */
export interface Known {
  readonly now: bigint
  readonly inventories: readonly Inventory[]
  readonly departed: ReadonlyMap<string, Departure>
  readonly former: readonly FormerPlacement[]
  /** When managers' agents last told of a Swarm's members; those that are connected, or any; 0n: never. */
  readonly observed: (cluster: string, isConnected: boolean) => bigint
  readonly reports: ReadonlyMap<string, AgentReport>
  readonly isConnected: (node: string) => boolean
}

/** A question, as far as it decides which nodes count. */
export interface Asked extends Wanted {
  readonly since?: bigint | undefined
  readonly until?: bigint | undefined
}

/** What the nodes say about an answer. */
export interface Judgement {
  readonly isMembershipKnown: boolean
  readonly nodes: readonly LateNode[]
  readonly unreadable: readonly NamedContainer[]
  readonly lossy: readonly NamedContainer[]
}

/** Whether all lines of the question's streams and time are here, and if not, which nodes' are missing. */
export function judge(known: Known, asked: Asked): Judgement {
  const members = membersOf(known.inventories, known.reports, known.departed).filter((member) =>
    counts(known, asked, member),
  )
  const nodes = members.flatMap((member) => lateness(known, asked, member) ?? [])
  const named = (list: (report: AgentReport) => ReportedContainers): NamedContainer[] =>
    members.flatMap((member) => namedOf(asked, member, list))
  return {
    isMembershipKnown: isMembershipKnown(known, asked, members),
    nodes: nodes.sort((a, b) => (a.name < b.name ? -1 : 1)),
    unreadable: named(({ unreadable }) => unreadable),
    lossy: named(({ lossy }) => lossy),
  }
}

/** Whether the question can be about lines of the node. */
function counts(known: Known, asked: Asked, member: Member): boolean {
  if (!wantsNode(asked, member) || hasLeftBefore(asked, member)) return false
  const { id, name, report, state, cluster, departure } = member
  if (asked.nodes.has(id || name)) return true
  const inventory = known.inventories.find((one) => one.cluster === cluster)
  const placed = inventory?.placements.filter(({ nodeId }) => nodeId === id) ?? []
  if (asked.isAny) return report !== undefined || state !== 'drained' || placed.length > 0
  const services = new Set([...placed.map(({ serviceId }) => serviceId), ...(departure?.serviceIds ?? [])])
  const present = inventory?.services.filter((one) => services.has(one.id)) ?? []
  const isWanted = [...present, ...formerServices(known, asked, member)].some((one) =>
    wantsService(asked, one, cluster ?? '', member),
  )
  return isWanted || (report?.behind.named.some((one) => wantsContainer(asked, one, member)) ?? false)
}

/** Services that ran on the node in the question's time, and whose last lines may not be here. */
function formerServices({ former }: Known, { since = 0n }: Asked, { id, report }: Member): ServiceInfo[] {
  const upTo = BigInt(report?.upTo || 0)
  const left = former.filter(({ nodeId, time }) => nodeId === id && BigInt(time) >= since && BigInt(time) > upTo)
  return left.map(({ service }) => service)
}

/** A node that is in no Swarm any more matters up to when it left, however early its agent fell silent before that. */
function hasLeftBefore({ since }: Asked, { state, report, departure }: Member): boolean {
  const left = greatest(BigInt(departure?.time ?? 0), [BigInt(report?.time || 0)])
  return state === 'gone' && since !== undefined && left < since
}

function lateness(known: Known, asked: Asked, member: Member): LateNode | undefined {
  const { id, name, state, report } = member
  const isConnected = known.isConnected(id || name)
  if (report === undefined) {
    const absent = state === 'down' ? 'down' : 'no_agent'
    return { id, name, reason: isConnected ? 'no_report' : absent }
  }
  const upTo = reached(asked, member, report)
  if (upTo !== undefined && upTo >= neededUpTo(known.now, asked.until)) return undefined
  if (isFinished(member, report)) return undefined
  const reason = lateReason(state, report, isConnected)
  return { id, name, reason, ...(upTo !== undefined && { upTo }) }
}

/** The last moment whose lines must be here. */
function neededUpTo(now: bigint, until: bigint | undefined): bigint {
  return until === undefined || until > now ? now - OPEN_END_NS : until - 1n
}

/** Up to when all lines of the wanted containers are here. */
function reached(asked: Asked, member: Member, { upTo, behind }: AgentReport): bigint | undefined {
  if (upTo === '') return undefined
  const late = behind.named.filter((one) => wantsContainer(asked, one, member)).map(({ detail }) => detail)
  // Those that are not named can be any, and their watermarks are not known.
  if (behind.count > behind.named.length || late.some((detail) => !/^\d+$/.test(detail))) return undefined
  return least(BigInt(upTo), late.map(BigInt))
}

/** Its agent has stopped (what is connected may be an observer), had read all containers to their ends, and the Swarm runs nothing there: there is nothing more to come. */
function isFinished({ state }: Member, { leaving, unfinished }: AgentReport): boolean {
  return leaving && unfinished === 0 && state !== 'ready' && state !== 'alone'
}

function lateReason(state: Member['state'], report: AgentReport, isConnected: boolean): LateReason {
  if (state === 'down' || state === 'gone') return state
  if (!isConnected) return 'not_connected'
  if (report.trouble !== '') return 'engine'
  return report.spool.waits === '' ? 'lagging' : 'spool'
}

function namedOf(asked: Asked, member: Member, list: (report: AgentReport) => ReportedContainers): NamedContainer[] {
  const { report } = member
  if (report === undefined) return []
  const wanted = list(report).named.filter((one) => wantsContainer(asked, one, member))
  return wanted.map((one) => ({ ...one, node: report.nodeName }))
}

/** Whether it is known who is in the Swarms that the question is about: now, or later than its end. */
function isMembershipKnown(known: Known, asked: Asked, members: readonly Member[]): boolean {
  const { now, observed, inventories } = known
  const clusters = clustersOf(known, asked, members)
  const isPast = asked.until !== undefined && asked.until < now - FRESH_NS
  const since = isPast ? (asked.until ?? 0n) : now - FRESH_NS
  const isKnown = (cluster: string) =>
    inventories.some((one) => one.cluster === cluster) && observed(cluster, !isPast) >= since
  const hasAny = clusters.size > 0 || members.length > 0
  return hasAny && [...clusters].every(isKnown)
}

/** The Swarms that the question is about. */
function clustersOf({ inventories }: Known, asked: Asked, members: readonly Member[]): ReadonlySet<string> {
  const clusters = new Set([...asked.clusters, ...members.flatMap(({ cluster }) => cluster ?? [])])
  for (const inventory of inventories) {
    const anywhere = { id: '', name: '' }
    const isWanted =
      asked.isAny || inventory.services.some((one) => wantsService(asked, one, inventory.cluster, anywhere))
    if (isWanted) clusters.add(inventory.cluster)
  }
  return clusters
}
