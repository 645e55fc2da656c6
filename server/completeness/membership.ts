import type { Inventory, NodeInfo } from '../../shared/inventory.ts'
import type { AgentReport } from '../../shared/report.ts'
import type { Departure } from '../former.ts'
import { nodeKey } from './reports.ts'

/** Ids that a Swarm gives its nodes; engines outside one have others. */
const SWARM_ID = /^[0-9a-z]{25}$/

/** A node whose lines a question may be about. */
export interface Member {
  readonly id: string
  readonly name: string
  /** Its Swarm; undefined for a host outside of one. */
  readonly cluster: string | undefined
  /** `alone` is a host outside a Swarm, `gone` one that the Swarm knows no more. */
  readonly state: 'ready' | 'down' | 'drained' | 'gone' | 'alone'
  readonly report?: AgentReport
  /** Of one that is gone, as far as a manager told of it. */
  readonly departure?: Departure
}

/** All nodes that are known, from what managers told and from the agents themselves. */
export function membersOf(
  inventories: readonly Inventory[],
  reports: ReadonlyMap<string, AgentReport>,
  departed: ReadonlyMap<string, Departure> = new Map(),
): Member[] {
  const members: Member[] = []
  const known = new Set<string>()
  for (const { cluster, nodes } of inventories) {
    for (const node of nodes) {
      const report = reports.get(node.id)
      known.add(node.id)
      members.push({ id: node.id, name: node.name, cluster, state: stateOf(node), ...(report && { report }) })
    }
  }
  for (const report of reports.values()) {
    const departure = departed.get(nodeKey(report))
    if (!known.has(nodeKey(report))) members.push({ ...outsider(report, inventories), ...(departure && { departure }) })
  }
  for (const departure of departed.values()) {
    const { cluster, node } = departure
    const isKnown = known.has(node.id) || reports.has(node.id)
    // One that is drained need not have an agent.
    if (!isKnown && stateOf(node) !== 'drained')
      members.push({ id: node.id, name: node.name, cluster, state: 'gone', departure })
  }
  return members
}

function stateOf({ state, availability }: NodeInfo): Member['state'] {
  if (state !== 'ready') return 'down'
  return availability === 'drain' ? 'drained' : 'ready'
}

/** A node that no manager tells of. A worker's engine does not know its Swarm: then it is the only one that there is. */
function outsider(report: AgentReport, inventories: readonly Inventory[]): Member {
  const { nodeId: id, nodeName: name, cluster } = report
  const isOfSwarm = cluster !== '' || SWARM_ID.test(id)
  if (!isOfSwarm) return { id, name, cluster: undefined, state: 'alone', report }
  const own = cluster === '' && inventories.length === 1 ? inventories[0]?.cluster : cluster
  const isTold = inventories.some((inventory) => inventory.cluster === own)
  return { id, name, cluster: own ?? '', state: isTold ? 'gone' : 'ready', report }
}
