import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Inventory, NodeInfo, Placement, ServiceInfo } from '../shared/inventory.ts'
import { MAX_MULTILINE, MULTILINE_LABEL } from '../shared/multiline.ts'
import { MAX_RETENTION, RETENTION_LABEL } from '../shared/retention.ts'
import { readNode } from './tail/containers.ts'
import type { Engine } from './tail/engine.ts'
import { events } from './tail/events.ts'

export interface InventoryOptions {
  readonly engine: Engine
  readonly signal: AbortSignal
  readonly log: Logger
}

const POLL_MS = 15_000
/** The server must know that this is still so. */
const RETELL_MS = 30_000
/** A node that is no manager may become one. */
const WORKER_POLL_MS = 60_000
/** The engine has not answered yet. */
const UNREACHED_POLL_MS = 500
/** Changes come in bursts: a deploy is many events. */
const SETTLE_MS = 300

/** The Swarm as the engine knows it, whenever it changed, and every half a minute; nothing while the engine is no manager. Ends when the signal aborts. */
export async function* inventories(options: InventoryOptions): AsyncGenerator<Inventory, void> {
  const { engine, signal, log } = options
  let before = ''
  let toldMs = 0
  while (!signal.aborted) {
    const change = new Change(engine, signal)
    try {
      const inventory = engine.version === '' ? undefined : await readInventory(engine, signal)
      if (inventory) {
        const { time: _, ...content } = inventory
        const now = JSON.stringify(content)
        if (now !== before || performance.now() - toldMs >= RETELL_MS) {
          toldMs = performance.now()
          yield inventory
        }
        before = now
      }
      await change.wait(inventory ? POLL_MS : engine.version === '' ? UNREACHED_POLL_MS : WORKER_POLL_MS)
    } catch (error) {
      if (!signal.aborted) log.debug({ err: error }, 'cannot read the inventory of the swarm, trying again')
      await sleep(POLL_MS, undefined, { signal, ref: false }).catch(() => undefined)
    } finally {
      change.close()
    }
  }
}

/** Notices that something changed since it was made. */
class Change {
  readonly #stop = new AbortController()
  readonly #signal: AbortSignal
  readonly #noticed: Promise<void>

  constructor(engine: Engine, signal: AbortSignal) {
    this.#signal = AbortSignal.any([signal, this.#stop.signal])
    this.#noticed = this.#listen(engine)
  }

  /** Waits for a change, at most so long. */
  async wait(atMostMs: number): Promise<void> {
    await Promise.race([this.#noticed, sleep(atMostMs, undefined, { signal: this.#signal, ref: false })])
    await sleep(SETTLE_MS, undefined, { signal: this.#signal })
  }

  close(): void {
    this.#stop.abort()
  }

  /** Resolves at the first event; never when events cannot be had: the poll remains. */
  async #listen(engine: Engine): Promise<void> {
    try {
      for await (const _ of await events(engine, ['service', 'node'], this.#signal)) return
    } catch {
      // What ended the events shows in the next poll.
    }
    return new Promise(() => undefined)
  }
}

interface ApiNode {
  readonly ID: string
  readonly Spec: {
    readonly Name?: string
    readonly Role: NodeInfo['role']
    readonly Availability: NodeInfo['availability']
  }
  readonly Description?: { readonly Hostname?: string; readonly Engine?: { readonly EngineVersion?: string } }
  readonly Status?: { readonly State?: string }
}

interface ApiService {
  readonly ID: string
  readonly Spec: {
    readonly Name: string
    readonly Labels?: Record<string, string> | null
    readonly Mode?: {
      readonly Replicated?: { readonly Replicas?: number }
      readonly Global?: object
      readonly ReplicatedJob?: { readonly TotalCompletions?: number }
      readonly GlobalJob?: object
    }
    readonly TaskTemplate?: { readonly ContainerSpec?: { readonly Image?: string } }
  }
  readonly UpdateStatus?: { readonly State?: string }
}

interface ApiTask {
  readonly ID: string
  readonly ServiceID?: string
  /** Absent until it has been placed. */
  readonly NodeID?: string
  readonly Status?: { readonly State?: string }
}

/** States that a task never leaves: https://docs.docker.com/engine/swarm/how-swarm-mode-works/swarm-task-states/ */
const ENDED = ['complete', 'shutdown', 'failed', 'rejected', 'remove', 'orphaned']

/** Asks a manager for nodes, services and tasks; undefined when this engine is none. */
export async function readInventory(engine: Engine, signal: AbortSignal): Promise<Inventory | undefined> {
  const { id, cluster } = await readNode(engine, signal)
  // Only managers know the Swarm's id; only they answer the requests below.
  if (cluster === '') return undefined
  const [nodes, services, tasks] = await Promise.all([
    engine.get('/nodes', {}, signal) as Promise<ApiNode[]>,
    engine.get('/services', {}, signal) as Promise<ApiService[]>,
    engine.get('/tasks', {}, signal) as Promise<ApiTask[]>,
  ])
  return {
    cluster,
    nodeId: id,
    time: String(BigInt(Date.now()) * 1_000_000n),
    nodes: nodes.map(nodeInfo).sort(byId),
    services: services.map(serviceInfo).sort(byId),
    tasks: tasks.map((task) => task.ID).sort(),
    ended: tasks
      .filter(hasEnded)
      .map((task) => task.ID)
      .sort(),
    placements: placementsOf(tasks),
  }
}

function hasEnded({ Status }: ApiTask): boolean {
  return ENDED.includes(Status?.State ?? '')
}

function placementsOf(tasks: readonly ApiTask[]): Placement[] {
  const byText = new Map<string, Placement>()
  for (const { ServiceID = '', NodeID = '' } of tasks)
    if (ServiceID && NodeID) byText.set(`${ServiceID} ${NodeID}`, { serviceId: ServiceID, nodeId: NodeID })
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, placement]) => placement)
}

function nodeInfo({ ID, Spec, Description, Status }: ApiNode): NodeInfo {
  return {
    id: ID,
    name: Spec.Name || Description?.Hostname || '',
    role: Spec.Role,
    availability: Spec.Availability,
    state: Status?.State ?? '',
    engine: Description?.Engine?.EngineVersion ?? '',
  }
}

function serviceInfo({ ID, Spec, UpdateStatus }: ApiService): ServiceInfo {
  const multiline = Spec.Labels?.[MULTILINE_LABEL]
  const retention = Spec.Labels?.[RETENTION_LABEL]
  return {
    id: ID,
    name: Spec.Name,
    stack: Spec.Labels?.['com.docker.stack.namespace'] ?? '',
    ...modeOf(Spec.Mode ?? {}),
    image: Spec.TaskTemplate?.ContainerSpec?.Image ?? '',
    update: UpdateStatus?.State ?? '',
    ...(multiline && multiline.length <= MAX_MULTILINE && { multiline }),
    ...(retention && retention.length <= MAX_RETENTION && { retention }),
  }
}

function modeOf(mode: NonNullable<ApiService['Spec']['Mode']>): Pick<ServiceInfo, 'mode' | 'replicas'> {
  if (mode.Global) return { mode: 'global', replicas: 0 }
  if (mode.GlobalJob) return { mode: 'global-job', replicas: 0 }
  if (mode.ReplicatedJob) return { mode: 'replicated-job', replicas: mode.ReplicatedJob.TotalCompletions ?? 1 }
  return { mode: 'replicated', replicas: mode.Replicated?.Replicas ?? 0 }
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1
}
