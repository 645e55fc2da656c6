import type { ServiceInfo } from '../../shared/inventory.ts'
import { type LogStream, NO_STREAM } from '../../shared/record.ts'
import type { ReportedContainer } from '../../shared/report.ts'
import { streamMatches } from '../query/filter.ts'
import type { Filter } from '../query/query.ts'
import type { Question } from '../query/question.ts'

/** A service can have many slots, of which a question can name one: so many are tried. */
const MAX_SLOTS = 200

/** Which streams a question is about. */
export interface Wanted {
  readonly filter: Filter
  /** It names no service, stack, task or container: all of a node. */
  readonly isAny: boolean
  /** Of the streams of the catalog that it takes: their nodes (by id, or name), containers, and the Swarms of those that are tasks. */
  readonly nodes: ReadonlySet<string>
  readonly containers: ReadonlySet<string>
  readonly clusters: ReadonlySet<string>
}

/** What a question is about, given the streams of the catalog that it takes. */
export function wantedOf(
  { filter, targets, matched }: Pick<Question, 'filter' | 'targets' | 'matched'>,
  clusterOf: (stream: LogStream) => string,
): Wanted {
  const [nodes, containers, clusters] = [new Set<string>(), new Set<string>(), new Set<string>()]
  for (const { stream } of matched) {
    nodes.add(stream.nodeId || stream.nodeName)
    containers.add(stream.containerId)
    if (stream.taskId !== '') clusters.add(clusterOf(stream))
  }
  const { services, stacks, tasks, containers: named } = filter
  const isAny = [targets, services, stacks, tasks, named].every(({ length }) => length === 0)
  return { filter, isAny, nodes, containers, clusters }
}

/** A node as a question may name it. */
export interface NodeName {
  readonly id: string
  readonly name: string
}

/** Whether the question may be about all that is on the node. */
export function wantsNode({ filter }: Wanted, { id, name }: NodeName): boolean {
  const { nodes } = filter
  if (nodes.length === 0) return true
  const onlyNodes = { ...filter, services: [], stacks: [], tasks: [], containers: [] }
  const { accepts: _, ...choice } = onlyNodes
  return streamMatches(choice, { ...NO_STREAM, nodeId: id, nodeName: name })
}

/** Whether the question takes streams of a service on a node, also those that nothing is stored of yet. */
export function wantsService({ filter }: Wanted, service: ServiceInfo, cluster: string, node: NodeName): boolean {
  const { id: serviceId, name, stack, image, replicas } = service
  const labels = { cluster, nodeId: node.id, nodeName: node.name, stack, service: name, serviceId, image }
  for (let slot = 0; slot <= Math.min(Math.max(replicas, 1), MAX_SLOTS); slot++) {
    // Its tasks have ids that nobody knows here.
    const taskName = `${name}.${slot}.?`
    const task = { taskId: '?', taskName, slot, containerName: taskName }
    if (streamMatches(filter, { ...NO_STREAM, ...labels, ...task })) return true
  }
  return false
}

/** Whether the question takes a container that a report names. */
export function wantsContainer(wanted: Wanted, container: ReportedContainer, node: NodeName): boolean {
  if (wanted.isAny) return wantsNode(wanted, node)
  const { containerId, service } = container
  if (wanted.containers.has(containerId)) return true
  const labels = { ...NO_STREAM, nodeId: node.id, nodeName: node.name, service, containerId }
  return streamMatches(wanted.filter, labels)
}
