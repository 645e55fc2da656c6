import type { ApiAgentStatus, ApiNodeStatus, ApiStatus } from '../shared/api/status.ts'
import type { AgentReport, ReportedContainers } from '../shared/report.ts'
import { formatTime } from '../shared/time.ts'
import type { Judgement } from './completeness/judge.ts'
import { type Member, membersOf } from './completeness/membership.ts'
import { nodeKey } from './completeness/reports.ts'
import type { Wanted } from './completeness/wanted.ts'
import type { Context } from './context.ts'
import { EVERYTHING } from './query/query.ts'

/** How long ago "now" began: a node that has left the Swarm before is of no interest any more. */
const NOW_NS = 60_000_000_000n
const NS_PER_MS = 1_000_000n
/** How many containers of one kind are named. */
const MAX_NAMED = 1_000

/** A question about all lines. */
const ANY: Wanted = {
  filter: EVERYTHING,
  isAny: true,
  ...{ nodes: new Set(), containers: new Set(), clusters: new Set() },
}

/** What is told of nodes and their agents. */
type OfNodes = Pick<ApiStatus, 'verdict' | 'membership' | 'observers' | 'nodes' | 'unreadable' | 'lossy' | 'unrotated'>

/** A member with what its agent last reported. */
interface Heard {
  readonly member: Member
  readonly report?: AgentReport
  readonly heard?: bigint
}

/** How the nodes and their agents are now. */
export function nodesOf(context: Context): OfNodes {
  const { completeness, inventories, now } = context
  const judgement = completeness.view()({ ...ANY, since: now() - NOW_NS })
  const heard = heardOf(context, judgement)
  const containersOf = (list: (report: AgentReport) => ReportedContainers) => containers(heard, list)
  const unreadable = containersOf((report) => report.unreadable)
  return {
    verdict: verdictOf(judgement, unreadable.count),
    membership: judgement.isMembershipKnown ? 'known' : 'unknown',
    observers: inventories.newest.flatMap(({ cluster, nodes }) => {
      const id = completeness.observer(cluster)
      return id === undefined ? [] : [nodes.find((node) => node.id === id)?.name ?? id]
    }),
    nodes: heard.map((one) => nodeOf(context, judgement, one)).sort((a, b) => (a.name < b.name ? -1 : 1)),
    unreadable,
    lossy: containersOf((report) => report.lossy),
    unrotated: containersOf((report) => report.unrotated),
  }
}

function verdictOf({ nodes, isMembershipKnown }: Judgement, unreadable: number): ApiStatus['verdict'] {
  if (nodes.length > 0 || unreadable > 0) return 'partial'
  return isMembershipKnown ? 'complete' : 'unknown'
}

/** All members but those that left the Swarm and are not missed. */
function heardOf({ completeness, inventories }: Context, { nodes }: Judgement): Heard[] {
  const reports = new Map(completeness.reports.map((one) => [nodeKey(one.report), one]))
  const newest = new Map([...reports].map(([key, { report }]) => [key, report]))
  const isOfInterest = ({ state, id, name }: Member) =>
    state !== 'gone' || completeness.isConnected(id || name) || nodes.some((late) => late.id === id)
  const members = membersOf(inventories.newest, newest, inventories.departed).filter(isOfInterest)
  return members.map((member) => ({ member, ...reports.get(member.id || member.name) }))
}

function nodeOf({ completeness, inventories, now }: Context, judgement: Judgement, one: Heard): ApiNodeStatus {
  const { id, name, state } = one.member
  const info = inventories.nodes.find(({ node }) => node.id === id)?.node
  const late = judgement.nodes.find((node) => (node.id || node.name) === (id || name))
  return {
    ...{ id, name, role: info?.role ?? '', state },
    engine: one.report?.engine || (info?.engine ?? ''),
    ...(late && { late: late.reason }),
    ...agentOf(one, completeness.isConnected(id || name), now()),
  }
}

function agentOf({ report, heard }: Heard, connected: boolean, now: bigint): { agent?: ApiAgentStatus } {
  if (report === undefined || heard === undefined) return {}
  const { version, following, spool, trouble, upTo } = report
  const isMarked = upTo !== ''
  const agent: ApiAgentStatus = {
    ...{ version, connected, heard: formatTime(heard) },
    ...(isMarked && { up_to: formatTime(BigInt(upTo)), lag_ms: Math.max(0, msOf(now - BigInt(upTo))) }),
    ahead_ms: msOf(BigInt(report.time || 0) - heard) + Math.round(report.engineAheadMs),
    ...{ following, behind: report.behind.count },
    ...{ lines_per_second: report.linesPerSecond, bytes_per_second: report.bytesPerSecond },
    spool: { ...{ chunks: spool.chunks, bytes: spool.bytes, max_bytes: spool.maxBytes }, ...policyOf(spool) },
    trouble,
  }
  return { agent }
}

function policyOf({ policy, waits, dropped }: AgentReport['spool']) {
  return { policy, waits, dropped }
}

function containers(heard: readonly Heard[], list: (report: AgentReport) => ReportedContainers) {
  const lists = heard.flatMap(({ report }) => (report ? [{ report, ...list(report) }] : []))
  const named = lists.flatMap(({ report, named }) =>
    named.map(({ containerId, service, detail }) => ({
      ...{ 'host.name': report.nodeName, 'service.name': service, 'container.id': containerId, detail },
    })),
  )
  return { count: lists.reduce((sum, { count }) => sum + count, 0), named: named.slice(0, MAX_NAMED) }
}

function msOf(ns: bigint): number {
  return Number(ns / NS_PER_MS)
}
