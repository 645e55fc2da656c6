import type { Inventory, NodeInfo, ServiceInfo } from '../shared/inventory.ts'
import type { LogStream } from '../shared/record.ts'
import type { Store } from './store/store.ts'

const NAME = 'inventory'
const FORMAT = 1
/** Services that are gone: their replicas are still needed for padding. The oldest are forgotten first. */
const MAX_GONE = 10_000

interface Saved {
  readonly format: number
  readonly inventories: readonly Inventory[]
  readonly gone: readonly ServiceInfo[]
}

/** What managers' engines last told of their Swarms, kept with the store; services that are gone keep their last known replicas. */
export class Inventories {
  readonly #store: Pick<Store, 'save' | 'load'>
  readonly #byCluster = new Map<string, Inventory>()
  readonly #services = new Map<string, ServiceInfo>()
  readonly #gone = new Map<string, ServiceInfo>()
  readonly #tasks = new Map<string, ReadonlySet<string>>()
  #saving: Promise<void> = Promise.resolve()

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
    for (const inventory of saved.inventories) this.#take(inventory)
  }

  /** Takes a newer inventory and saves it; an older one of the same node came late and is left. */
  async take(inventory: Inventory): Promise<void> {
    const known = this.#byCluster.get(inventory.cluster)
    if (known?.nodeId === inventory.nodeId && BigInt(inventory.time) < BigInt(known.time)) return
    this.#take(inventory)
    // One save after the other: the last one must win.
    const saving = this.#saving.then(() => this.#save())
    this.#saving = saving.catch(() => {})
    await saving
  }

  /** Whether any manager has told of this Swarm. */
  knows(cluster: string): boolean {
    return this.#byCluster.has(cluster)
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

  /** Whether Docker still has the stream's task; true for what no manager has told of. */
  isCurrent(stream: LogStream): boolean {
    return stream.taskId === '' || (this.#tasks.get(stream.cluster)?.has(stream.taskId) ?? true)
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
    for (const id of this.#gone.keys()) {
      if (this.#gone.size <= MAX_GONE) break
      this.#gone.delete(id)
    }
    this.#tasks.set(inventory.cluster, new Set(inventory.tasks))
    this.#byCluster.set(inventory.cluster, inventory)
  }

  async #save(): Promise<void> {
    const saved: Saved = { format: FORMAT, inventories: [...this.#byCluster.values()], gone: [...this.#gone.values()] }
    await this.#store.save(NAME, JSON.stringify(saved))
  }
}

function parse(text: string): Saved | undefined {
  try {
    return JSON.parse(text) as Saved
  } catch {
    return undefined
  }
}
