import type { NodeInfo, ServiceInfo } from '../shared/inventory.ts'

/** A node that was in a Swarm and is not any more. */
export interface Departure {
  readonly cluster: string
  /** As it was at last, and services that it had tasks of. */
  readonly node: NodeInfo
  readonly serviceIds: readonly string[]
  /** When it was gone, nanoseconds since 1970, as decimal text. */
  readonly time: string
}

/** A service that had tasks on a node, and has none there any more that Docker knows of. */
export interface FormerPlacement {
  readonly cluster: string
  readonly service: ServiceInfo
  readonly nodeId: string
  /** When that was told, nanoseconds since 1970, as decimal text. */
  readonly time: string
}
