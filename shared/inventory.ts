/** What a manager's engine knows of the Swarm; shipped by its agent whenever it changes and after each connect. */
export interface Inventory {
  readonly cluster: string
  /** The node that this was asked of. */
  readonly nodeId: string
  /** When, nanoseconds since 1970, as decimal text. */
  readonly time: string
  readonly nodes: readonly NodeInfo[]
  readonly services: readonly ServiceInfo[]
  /** Ids of the tasks that Docker still has: what `docker service logs` would show. */
  readonly tasks: readonly string[]
  /** Those of them that run no longer, and never will. Older agents do not tell. */
  readonly ended?: readonly string[]
  /** Where these tasks are: each pair of service and node once. */
  readonly placements: readonly Placement[]
}

/** A node has tasks of a service, or had some that Docker still knows. */
export interface Placement {
  readonly serviceId: string
  readonly nodeId: string
}

/** A node of the Swarm, as GET /nodes has it. */
export interface NodeInfo {
  readonly id: string
  readonly name: string
  readonly role: 'manager' | 'worker'
  readonly availability: 'active' | 'pause' | 'drain'
  /** ready, down, unknown, disconnected. */
  readonly state: string
  readonly engine: string
}

/** A service of the Swarm, as GET /services has it. */
export interface ServiceInfo {
  readonly id: string
  readonly name: string
  readonly stack: string
  readonly mode: 'replicated' | 'global' | 'replicated-job' | 'global-job'
  /** Wanted replicas; 0 for global services. */
  readonly replicas: number
  readonly image: string
  /** UpdateStatus.State, or ''. */
  readonly update: string
  /** The service's label `swarmlogs.multiline`; absent when there is none. */
  readonly multiline?: string
  /** The service's label `swarmlogs.retention`; absent when there is none. */
  readonly retention?: string
}
