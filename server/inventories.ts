import type { Inventory, NodeInfo, ServiceInfo } from '../shared/inventory.ts'
import type { LogStream } from '../shared/record.ts'
import type { Departure, FormerPlacement } from './former.ts'
import type { Store } from './store/store.ts'

const NAME = 'inventory'
const FORMAT = 2
/** Managers are asked so often, about: a task that printed later may be one that was not there then. */
const STALE_NS = 15_000_000_000n
/** Services and tasks that are gone: replicas are still needed for padding. The oldest are forgotten first. */
const MAX_GONE = 10_000
/** What is not known of a node that left so long ago is not missed any more. */
const FORGET_NS = 30n * 86_400_000_000_000n

interface Saved {
  readonly format: number
  readonly inventories: readonly Inventory[]
  readonly gone: readonly ServiceInfo[]
  /** Ids of tasks that Docker has forgotten since a manager told of them. */
  readonly goneTasks: readonly string[]
  /** Absent: a server that did not know of such a thing saved it. */
  readonly departed?: readonly Departure[]
  readonly former?: readonly FormerPlacement[]
}

/** What managers' engines last told of their Swarms, kept with the store; services that are gone keep their last known replicas. */
export class Inventories {
  readonly #store: Pick<Store, 'save' | 'load'>
  readonly #byCluster = new Map<string, Inventory>()
  readonly #services = new Map<string, ServiceInfo>()
  readonly #gone = new Map<string, ServiceInfo>()
  readonly #tasks = new Map<string, ReadonlySet<string>>()
  readonly #ended = new Map<string, ReadonlySet<string>>()
  readonly #goneTasks = new Set<string>()
  readonly #departed = new Map<string, Departure>()
  readonly #former = new Map<string, FormerPlacement>()
  #saving: Promise<void> = Promise.resolve()
  #isSaved = false

  constructor(store: Pick<Store, 'save' | 'load'>) {
    this.#store = store
  }

  /** Reads back what was saved; what cannot be read is told anew by the agents. */
  async load(): Promise<void> {
    const text = await this.#store.load(NAME)
    if (text === undefined) return
    const saved = parse(text)
    if (saved?.format !== FORMAT) return
    for (const service of saved.gone) this.#gone.set(service.id, service)
    for (const id of saved.goneTasks) this.#goneTasks.add(id)
    for (const departure of saved.departed ?? []) this.#departed.set(departure.node.id, departure)
    for (const placement of saved.former ?? [])
      this.#former.set(keyOf(placement.service.id, placement.nodeId), placement)
    for (const inventory of saved.inventories) this.#take(inventory)
  }

  /** Takes a newer inventory and saves it; an older one of the same node came late and is left. */
  async take(inventory: Inventory): Promise<void> {
    const known = this.#byCluster.get(inventory.cluster)
    if (known?.nodeId === inventory.nodeId && BigInt(inventory.time) < BigInt(known.time)) return
    this.#take(inventory)
    // They come every half a minute, mostly with the same.
    if (this.#isSaved && known !== undefined && contentOf(known) === contentOf(inventory)) return
    this.#isSaved = false
    // One save after the other: the last one must win.
    const saving = this.#saving.then(() => this.#save())
    this.#saving = saving.catch(() => {})
    await saving
  }

  /** Takes what a peer was told, and saved. */
  adopt(inventory: Inventory): void {
    const known = this.#byCluster.get(inventory.cluster)
    if (known === undefined || BigInt(inventory.time) > BigInt(known.time)) this.#take(inventory)
  }

  /** Whether any manager has told of this Swarm. */
  knows(cluster: string): boolean {
    return this.#byCluster.has(cluster)
  }

  /** What was last told of each Swarm. */
  get newest(): readonly Inventory[] {
    return [...this.#byCluster.values()]
  }

  /** Nodes that have left their Swarms in the last 30 days, by id. */
  get departed(): ReadonlyMap<string, Departure> {
    return this.#departed
  }

  /** Where services ran in the last 30 days and do not now. */
  get former(): readonly FormerPlacement[] {
    return [...this.#former.values()]
  }

  /** Services that are in a Swarm now. */
  get services(): readonly { readonly cluster: string; readonly service: ServiceInfo }[] {
    return this.#all((inventory) => inventory.services).map(({ cluster, item }) => ({ cluster, service: item }))
  }

  /** Nodes of all Swarms. */
  get nodes(): readonly { readonly cluster: string; readonly node: NodeInfo }[] {
    return this.#all((inventory) => inventory.nodes).map(({ cluster, item }) => ({ cluster, node: item }))
  }

  /** A service as it is, or as it was last seen; undefined when no manager has told of it. */
  service(id: string): ServiceInfo | undefined {
    return this.#services.get(id) ?? this.#gone.get(id)
  }

  /** The Swarm of a stream. A worker's engine does not know it: then it is the only one that a manager has told of. */
  readonly clusterOf = ({ cluster, serviceId }: LogStream): string => {
    if (cluster !== '' || serviceId === '' || this.#byCluster.size !== 1) return cluster
    const [only = ''] = this.#byCluster.keys()
    return only
  }

  /** Whether Docker still has the stream's task; true for what no manager has told of, and for what is newer than what was told. */
  isCurrent(stream: LogStream, last?: bigint): boolean {
    const cluster = this.clusterOf(stream)
    const told = this.#byCluster.get(cluster)
    if (stream.taskId === '' || told === undefined || this.#tasks.get(cluster)?.has(stream.taskId)) return true
    return !this.#goneTasks.has(stream.taskId) && (last === undefined || last > BigInt(told.time) - STALE_NS)
  }

  /** Whether the stream's task has ended, as far as a manager has told; false for what it could still print. */
  hasEnded(stream: LogStream): boolean {
    const { taskId } = stream
    return (
      taskId !== '' && (this.#goneTasks.has(taskId) || this.#ended.get(this.clusterOf(stream))?.has(taskId) === true)
    )
  }

  /** All of it as text, as it is kept with the store. */
  text(): string {
    const saved: Saved = {
      format: FORMAT,
      inventories: [...this.#byCluster.values()],
      gone: [...this.#gone.values()],
      goneTasks: [...this.#goneTasks],
      departed: [...this.#departed.values()],
      former: this.former,
    }
    return JSON.stringify(saved)
  }

  #all<Item>(items: (inventory: Inventory) => readonly Item[]): { cluster: string; item: Item }[] {
    return [...this.#byCluster.values()].flatMap((inventory) =>
      items(inventory).map((item) => ({ cluster: inventory.cluster, item })),
    )
  }

  #take(inventory: Inventory): void {
    const before = this.#byCluster.get(inventory.cluster)
    for (const service of before?.services ?? []) {
      this.#services.delete(service.id)
      this.#gone.set(service.id, service)
    }
    for (const service of inventory.services) {
      this.#gone.delete(service.id)
      this.#services.set(service.id, service)
    }
    for (const id of this.#tasks.get(inventory.cluster) ?? []) this.#goneTasks.add(id)
    for (const id of inventory.tasks) this.#goneTasks.delete(id)
    this.#takeDepartures(before, inventory)
    this.#takePlacements(before, inventory)
    forgetOldest(this.#gone)
    forgetOldest(this.#goneTasks)
    this.#tasks.set(inventory.cluster, new Set(inventory.tasks))
    this.#ended.set(inventory.cluster, new Set(inventory.ended))
    this.#byCluster.set(inventory.cluster, inventory)
  }

  #takeDepartures(before: Inventory | undefined, { cluster, nodes, time }: Inventory): void {
    for (const node of before?.nodes ?? []) {
      const placed = before?.placements.filter(({ nodeId }) => nodeId === node.id) ?? []
      this.#departed.set(node.id, { cluster, node, serviceIds: placed.map(({ serviceId }) => serviceId), time })
    }
    for (const { id } of nodes) this.#departed.delete(id)
    forgetOld(this.#departed, time)
  }

  #takePlacements(before: Inventory | undefined, { cluster, placements, time }: Inventory): void {
    for (const { serviceId, nodeId } of before?.placements ?? []) {
      const service = this.service(serviceId)
      const key = keyOf(serviceId, nodeId)
      this.#former.delete(key)
      if (service !== undefined) this.#former.set(key, { cluster, service, nodeId, time })
    }
    for (const { serviceId, nodeId } of placements) this.#former.delete(keyOf(serviceId, nodeId))
    forgetOld(this.#former, time)
  }

  async #save(): Promise<void> {
    await this.#store.save(NAME, this.text())
    this.#isSaved = true
  }
}

function contentOf({ time: _, nodeId: __, ...content }: Inventory): string {
  return JSON.stringify(content)
}

function keyOf(serviceId: string, nodeId: string): string {
  return `${serviceId} ${nodeId}`
}

/** Keeps what was there 30 days ago or later, and of that the newest. */
function forgetOld(gone: Map<string, { readonly time: string }>, now: string): void {
  for (const [key, { time }] of gone) if (BigInt(now) - BigInt(time) > FORGET_NS) gone.delete(key)
  forgetOldest(gone)
}

/** Keeps the newest of what is gone. */
function forgetOldest(gone: Map<string, unknown> | Set<string>): void {
  for (const id of gone.keys()) {
    if (gone.size <= MAX_GONE) return
    gone.delete(id)
  }
}

function parse(text: string): Saved | undefined {
  try {
    return JSON.parse(text) as Saved
  } catch {
    return undefined
  }
}

/** Copies what managers told into a store that has nothing of it yet. */
export async function copyInventory(from: Pick<Store, 'load'>, to: Pick<Store, 'save' | 'load'>): Promise<void> {
  const text = await from.load(NAME)
  if (text !== undefined && (await to.load(NAME)) === undefined) await to.save(NAME, text)
}
