/** What the agent's readers are doing; live numbers, for metrics and the log. */
export class AgentStatus {
  /** Containers that are being followed. */
  following = 0
  /** Containers whose history is being read. */
  history = 0
  lines = 0
  /** How often lines were rotated away before they could be read. */
  gaps = 0
  bytes = 0
  /** `reachable`, or why the Docker engine is not; '' before the first try. */
  engine = ''
  /** The engine holds events: should it hold none of a time when it did, it was started anew. */
  hasEvents = false
  /** Containers that the engine is being asked to describe. */
  inspecting = 0
  /** Log driver by the service (or container) that uses it and cannot be read. */
  readonly unreadable = new Map<string, string>()
  /** The containers that cannot be read, by id, and why. */
  readonly unreadableContainers = new Map<string, { readonly service: string; readonly reason: string }>()
  /** Services whose own log driver sends to our server already. */
  readonly elsewhere = new Set<string>()
}
