import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ApiStatus } from '../../../shared/api/status.ts'
import { type Deployment, deployStack, serverUrl } from '../../lab/deploy.ts'
import { isAlive } from '../../lab/processes.ts'
import { eventually } from '../../lab/program.ts'
import { type Swarm, startSwarm } from '../../lab/swarm.ts'
import { Turns } from './turns.ts'

/** The nodes of the Swarm: 1 is the manager, 3 is what most is done to, 4 has the store. */
const NODES = 4
const STORE_NODE = 4
/** Swarm takes half a minute to see that a node is away, and a slow machine's containers take long to start. */
const CALM_MS = 180_000

/** A real Swarm with stack.yml deployed, that all faults of a Swarm are done to. */
export class SwarmStage {
  readonly swarm: Swarm
  readonly isLong: boolean
  readonly turns = new Turns()
  readonly #deployment: Deployment
  /** Kept, as a node that is down does not tell. */
  readonly #ids = new Map<number, string>()
  /** A node that the Swarm is told things by. */
  manager = 1
  /** Where the server is. */
  serverNode = STORE_NODE

  private constructor(swarm: Swarm, deployment: Deployment, isLong: boolean) {
    this.swarm = swarm
    this.#deployment = deployment
    this.isLong = isLong
  }

  static async open(isLong: boolean): Promise<SwarmStage> {
    const swarm = await startSwarm({ nodes: NODES, engines: ['20', '26', '26', '26'] })
    try {
      return new SwarmStage(swarm, await deployStack(swarm, { storeNode: STORE_NODE }), isLong)
    } catch (error) {
      await swarm.down()
      throw error
    }
  }

  /** Ends everything and removes what was made. */
  close(): Promise<void> {
    return this.swarm.down()
  }

  get url(): string {
    return serverUrl(this.swarm, this.serverNode)
  }

  get headers(): Record<string, string> {
    return { authorization: `Bearer ${this.#deployment.token}` }
  }

  get sharedKey(): string {
    return this.#deployment.sharedKey
  }

  /** A folder of this machine that containers of all nodes can mount. */
  folder(name: string): string {
    const dir = join(this.swarm.place.dir, name)
    mkdirSync(dir, { recursive: true })
    return dir
  }

  /** Runs the docker client against a manager. */
  docker(args: readonly string[]): Promise<string> {
    return this.swarm.docker(this.manager, args)
  }

  /** The id that a node has in the Swarm. */
  async nodeId(node: number): Promise<string> {
    const id = this.#ids.get(node) ?? (await this.swarm.docker(node, ['info', '--format', '{{.Swarm.NodeID}}'])).trim()
    this.#ids.set(node, id)
    return id
  }

  /** A node gets another id. */
  forgetId(node: number): void {
    this.#ids.delete(node)
  }

  /** Changes a node, named by its id: names need not be unique. */
  async updateNode(node: number, ...flags: readonly string[]): Promise<void> {
    await this.docker(['node', 'update', ...flags, await this.nodeId(node)])
  }

  /** Undoes what a fault that failed left behind: nodes that are off the network or stopped, or take no tasks. */
  async mend(): Promise<void> {
    for (let node = 1; node <= this.swarm.nodes; node++) {
      await this.swarm.heal(node)
      if (!isAlive(this.swarm.daemon(node).pid)) await this.swarm.start(node)
    }
    for (let node = 1; node <= this.swarm.nodes; node++) await this.updateNode(node, '--availability', 'active')
  }

  /** What the server says of itself and all nodes; undefined while it does not answer. */
  async status(): Promise<ApiStatus | undefined> {
    const options = { headers: this.headers, signal: AbortSignal.timeout(10_000) }
    const answer = await fetch(`${this.url}/api/v1/status`, options).catch(() => undefined)
    return answer?.ok ? ((await answer.json()) as ApiStatus) : undefined
  }

  /** Waits until the server says that of itself. */
  async until(what: string, holds: (status: ApiStatus) => boolean): Promise<void> {
    let last: ApiStatus | undefined
    const check = async () => {
      last = await this.status()
      return last !== undefined && holds(last)
    }
    await eventually(
      what,
      CALM_MS,
      check,
      async () => `(status: ${JSON.stringify(last)})\n${await this.swarm.report()}`,
    )
  }

  /** Waits until an agent of every node is connected and nothing is missing. */
  calm(): Promise<void> {
    const isCalm = ({ verdict, nodes }: ApiStatus) =>
      verdict === 'complete' && nodes.filter(({ agent }) => agent?.connected).length === this.swarm.nodes
    return this.until('all agents', isCalm)
  }
}
