import type { Inventory } from '../../shared/inventory.ts'

/** An inventory of the Swarm `cluster1` as node1 told it, but for what is given. */
export function inventoryOf(inventory: Partial<Inventory> = {}): Inventory {
  return {
    cluster: 'cluster1',
    nodeId: 'node1',
    time: '1000',
    nodes: [],
    services: [],
    tasks: [],
    placements: [],
    ...inventory,
  }
}
