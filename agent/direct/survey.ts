import type { DirectSurvey, Unreached } from '../../shared/direct.ts'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Inventory, NodeInfo, ServiceInfo } from '../../shared/inventory.ts'
import type { LogStream } from '../../shared/record.ts'
import { logStream } from '../enrich.ts'
import { readInventory } from '../inventory.ts'
import { listContainers, readNode } from '../tail/containers.ts'
import type { Engine } from '../tail/engine.ts'
import type { NodeIdentity } from '../target.ts'
import type { Origin } from './origin.ts'

/** As Swarm makes them; an engine outside a Swarm has an id of another form. */
const SWARM_ID = /^[0-9a-z]{25}$/

/** What there is to read, and where from. */
export interface Survey extends DirectSurvey {
  readonly origins: readonly Origin[]
}

/** One engine's part of it. */
interface View {
  readonly engine: Engine
  readonly node: NodeIdentity
  readonly inventory: Inventory | undefined
  /** Why a manager tells nothing of the Swarm: without a majority of the managers none does. */
  readonly trouble: string
  readonly origins: readonly Origin[]
}

interface ApiTask {
  readonly ID: string
  readonly ServiceID?: string
  readonly NodeID?: string
  readonly Slot?: number
  readonly Spec?: { readonly ContainerSpec?: { readonly Image?: string; readonly TTY?: boolean } }
  readonly Status?: { readonly State?: string; readonly ContainerStatus?: { readonly ContainerID?: string } }
}

/**
 * Asks engines what logs there are: those of their own containers, and those of tasks on other nodes where one of them is a manager, which
 * can ask these. Throws SWARMLOGS_DOCKER_UNAVAILABLE when none of them answers.
 */
export async function survey(engines: readonly Engine[], signal: AbortSignal): Promise<Survey> {
  const answers = await Promise.allSettled(engines.map((engine) => viewOf(engine, signal)))
  const views = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
  const failed = answers.flatMap((answer, index): Unreached[] => {
    return answer.status === 'rejected' ? [{ node: engines[index]?.host ?? '', reason: String(answer.reason) }] : []
  })
  const first = answers[0]
  if (views.length === 0 && first?.status === 'rejected') throw unavailable(engines, first.reason)
  const manager = views.find(({ inventory }) => inventory !== undefined)
  const others = manager === undefined ? [] : await tasksElsewhere(manager, views, signal)
  const readable = others.flatMap((one) => ('engine' in one ? [one] : []))
  const down = others.flatMap((one) => ('engine' in one ? [] : [one]))
  const origins = [...views.flatMap((view) => view.origins), ...readable]
  return {
    origins,
    streams: origins.map(({ stream }) => stream),
    services: manager?.inventory?.services ?? [],
    unreached: [...failed, ...down, ...(manager === undefined ? blindNote(views) : [])],
  }
}

function unavailable(engines: readonly Engine[], cause: unknown): SwarmlogsError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const hosts = engines.map(({ host }) => host).join(', ')
  const remedy = /EACCES/.test(reason)
    ? "run as root, or as a member of the socket's group (usermod -aG docker USER)"
    : 'is dockerd running there? --docker, DOCKER_HOST or a Docker context name another one'
  return new SwarmlogsError(
    'SWARMLOGS_DOCKER_UNAVAILABLE',
    `cannot read from Docker at ${hosts}: ${reason}; ${remedy}`,
    { cause },
  )
}

async function viewOf(engine: Engine, signal: AbortSignal): Promise<View> {
  if (engine.version === '') await engine.negotiate(signal)
  let trouble = ''
  const [node, inventory, listed] = await Promise.all([
    readNode(engine, signal),
    readInventory(engine, signal).catch((error: Error) => {
      trouble = error.message
    }),
    listContainers(engine, signal),
  ])
  const origins = listed.map(({ id, name, state, labels, image }): Origin => {
    const stream = logStream({ id, name, labels }, { node, image, attributes: {} })
    return { stream, engine, containerId: id, isRunning: state === 'running', tty: false }
  })
  return { engine, node, inventory: inventory ?? undefined, trouble, origins }
}

/** A worker tells of no other node, and neither does a manager without a majority. */
function blindNote(views: readonly View[]): Unreached[] {
  const inSwarm = views.filter(({ node }) => SWARM_ID.test(node.id))
  if (inSwarm.length === 0) return []
  const trouble = views.find((view) => view.trouble !== '')?.trouble
  const names = inSwarm.map(({ node }) => node.name).join(', ')
  const none = `only a manager can ask them, which ${names} ${inSwarm.length === 1 ? 'is' : 'are'} not; --docker ssh://MANAGER names one`
  return [{ node: 'other nodes', reason: trouble ?? none }]
}

/** Logs of tasks on nodes that are not asked themselves; without an engine where the node cannot be asked either. */
async function tasksElsewhere(
  { engine, inventory }: View,
  views: readonly View[],
  signal: AbortSignal,
): Promise<(Origin | Unreached)[]> {
  if (inventory === undefined) return []
  const asked = new Set(views.map(({ node }) => node.id))
  const nodes = new Map(inventory.nodes.map((node) => [node.id, node]))
  const services = new Map(inventory.services.map((service) => [service.id, service]))
  const tasks = (await engine.get('/tasks', {}, signal)) as ApiTask[]
  return tasks.flatMap((task): (Origin | Unreached)[] => {
    const service = services.get(task.ServiceID ?? '')
    const { NodeID = '', Status, Spec } = task
    // What never ran has no log; of a service that was removed Docker keeps none.
    if (service === undefined || NodeID === '' || asked.has(NodeID) || !Status?.ContainerStatus?.ContainerID) return []
    const node = nodes.get(NodeID)
    const stream = streamOf(task, service, { inventory, node })
    if (node?.state !== 'ready') {
      const state = node === undefined ? 'gone from the Swarm' : node.state
      return [{ node: node?.name || NodeID, reason: `the node is ${state}`, stream }]
    }
    const tty = Spec?.ContainerSpec?.TTY === true
    return [{ stream, engine, containerId: undefined, isRunning: Status.State === 'running', tty }]
  })
}

function streamOf(
  { ID, NodeID = '', Slot = 0, Spec, Status }: ApiTask,
  service: ServiceInfo,
  { inventory, node }: { readonly inventory: Inventory; readonly node: NodeInfo | undefined },
): LogStream {
  const taskName = `${service.name}.${Slot || NodeID}.${ID}`
  return {
    ...{ cluster: inventory.cluster, nodeId: NodeID, nodeName: node?.name ?? '', stack: service.stack },
    ...{ service: service.name, serviceId: service.id, taskId: ID, taskName, slot: Slot },
    ...{ containerId: Status?.ContainerStatus?.ContainerID ?? '', containerName: taskName },
    ...{ image: Spec?.ContainerSpec?.Image ?? service.image, attributes: {}, tag: '' },
  }
}
