/** What was found out about a Docker engine. */
export interface ExaminedEngine {
  /** Where it was asked. */
  readonly host: string
  readonly version: string
  /** The API version that it and we agreed on. */
  readonly api: string
  /** Its clock ahead of this machine's, ms. */
  readonly aheadMs: number
  /** How many containers run; of very many only the first ones are examined. */
  readonly running: number
  readonly containers: readonly ExaminedContainer[]
}

/** How a container logs. */
export interface ExaminedContainer {
  readonly id: string
  readonly name: string
  readonly driver: string
  /** The engine can be asked for its lines. */
  readonly isReadable: boolean
  /** Why its driver may lose lines by itself; '': it does not. */
  readonly loss: string
  /** What the engine keeps of its lines at most, bytes; absent: it never throws any away. */
  readonly keptBytes?: number
}
