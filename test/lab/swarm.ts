import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { importBusybox } from './busybox.ts'
import { Daemon } from './daemon.ts'
import { type EngineVersion, enginePath } from './debian-engine.ts'
import { ensureDocker } from './install.ts'
import { bridgeOf, claimPlace, clearPlace, firewallRules, keepPlace, type Place } from './place.ts'
import { LAB_MARK } from './processes.ts'
import { type RunOptions, run } from './run.ts'

/** What a Swarm of the lab is made of; an engine version per node, the last one for all further nodes (default '20'). */
export interface SwarmOptions {
  readonly nodes?: number
  readonly engines?: readonly EngineVersion[]
  /** How many of the first nodes are managers; default 1. */
  readonly managers?: number
}

/**
 * A real Docker Swarm on this machine: every node a dockerd with a hostname (node1, node2, ...), a network and an address of its
 * own. Nodes count from 1; node 1 is the first manager.
 */
export class Swarm {
  readonly place: Place
  readonly daemons: readonly Daemon[]

  constructor(place: Place, daemons: readonly Daemon[]) {
    this.place = place
    this.daemons = daemons
  }

  /** The number of nodes. */
  get nodes(): number {
    return this.daemons.length
  }

  /** What DOCKER_HOST must be for a node's engine. */
  host(node: number): string {
    return this.daemon(node).host
  }

  /** The address by which this machine and the other nodes reach a node. */
  address(node: number): string {
    return address(this.place, node)
  }

  /** Runs the docker client against a node and answers its stdout; throws with its stderr when it fails. */
  docker(node: number, args: readonly string[], options?: RunOptions): Promise<string> {
    return this.daemon(node).docker(args, options)
  }

  /** Runs a program of this machine in a node's network and answers its stdout. */
  exec(node: number, command: readonly string[], options: RunOptions = {}): Promise<string> {
    const [program = '', ...args] = this.enter(node, command)
    return run(program, args, { ...options, env: { ...options.env, [LAB_MARK]: this.place.dir } })
  }

  /** The command that runs `command` in a node's network. */
  enter(node: number, command: readonly string[]): string[] {
    return ['nsenter', '--target', String(this.daemon(node).holder), '--net', '--', ...command]
  }

  /** Takes a node off the network. */
  async cut(node: number): Promise<void> {
    await run('ip', ['link', 'set', cableOf(this.place, node), 'down'])
  }

  /** Puts a node back on the network. */
  async heal(node: number): Promise<void> {
    await run('ip', ['link', 'set', cableOf(this.place, node), 'up'])
  }

  /** Sends SIGKILL to a node's dockerd; its containers live on. */
  kill(node: number): Promise<void> {
    return this.daemon(node).end('SIGKILL')
  }

  /** Stops a node's dockerd as a shutdown of the machine does. */
  shutDown(node: number): Promise<void> {
    return this.daemon(node).end('SIGTERM')
  }

  /** Starts a node's dockerd again. */
  start(node: number): Promise<void> {
    return this.daemon(node).start()
  }

  /** Copies an image from node 1 to all others. */
  async load(image: string): Promise<void> {
    const tar = join(this.place.dir, 'image.tar')
    await this.docker(1, ['save', '--output', tar, image], { timeoutMs: 300_000 })
    const others = this.daemons.slice(1)
    await Promise.all(
      others.map((daemon) => daemon.docker(['load', '--quiet', '--input', tar], { timeoutMs: 300_000 })),
    )
    await run('rm', ['-f', tar])
  }

  /** What to look at when a test failed: nodes, services, tasks and the end of each engine's log. */
  async report(): Promise<string> {
    const views = [
      ['node', 'ls'],
      ['service', 'ls'],
      ['stack', 'ls'],
    ]
    const ask = (args: readonly string[]) => this.docker(1, args, { timeoutMs: 10_000 }).catch((error) => String(error))
    const services = (await ask(['service', 'ls', '--quiet'])).split('\n').filter((id) => /^\w+$/.test(id))
    if (services.length > 0) views.push(['service', 'ps', '--no-trunc', ...services])
    const answers = await Promise.all(views.map(ask))
    return [...answers, ...this.daemons.map((daemon) => daemon.lastLines())].join('\n')
  }

  /** Lets the Swarm outlive this process. */
  keep(): void {
    keepPlace(this.place)
  }

  /** Ends everything and removes what was made. */
  down(): Promise<void> {
    return clearPlace(this.place)
  }

  /** One node's daemon. */
  daemon(node: number): Daemon {
    const daemon = this.daemons[node - 1]
    if (daemon === undefined) throw new Error(`cannot find node ${node}: there are ${this.nodes}`)
    return daemon
  }
}

/** Starts a Swarm, with `lab/busybox:1` on every node; installs Docker first when it is missing. */
export async function startSwarm(options: SwarmOptions = {}): Promise<Swarm> {
  await ensureDocker()
  const count = options.nodes ?? 3
  const engines = Array.from({ length: count }, (_, i) => options.engines?.[i] ?? options.engines?.at(-1) ?? '20')
  // Before any node, so that a node's start-up does not wait for a download.
  for (const version of new Set(engines)) await enginePath(version)
  const place = await claimPlace()
  const daemons = engines.map((version, i) => newNode(place, i + 1, version))
  writeFileSync(join(place.dir, 'swarm.json'), JSON.stringify({ nodes: count }))
  const swarm = new Swarm(place, daemons)
  try {
    await makeBridge(place)
    await Promise.all(daemons.map((daemon, i) => startNode(place, daemon, i + 1)))
    await Promise.all([formSwarm(swarm, options.managers ?? 1), importBusybox(daemons)])
    return swarm
  } catch (error) {
    await swarm.down()
    throw error
  }
}

/** The Swarm in a place, started by this or another process; undefined when a single engine lives there. */
export function openSwarm(place: Place): Swarm | undefined {
  const file = join(place.dir, 'swarm.json')
  if (!existsSync(file)) return undefined
  const { nodes } = JSON.parse(readFileSync(file, 'utf8'))
  const daemons = Array.from({ length: nodes }, (_, i) => new Daemon(join(place.dir, `node${i + 1}`)))
  return new Swarm(place, daemons)
}

function newNode(place: Place, node: number, version: EngineVersion): Daemon {
  const hostname = `node${node}`
  // Names that Docker's own DNS does not know are asked of 127.0.0.1 inside the container, which refuses at once.
  return new Daemon(join(place.dir, hostname), { hostname, version, ownNetwork: true, args: ['--dns', '127.0.0.1'] })
}

async function makeBridge(place: Place): Promise<void> {
  const bridge = bridgeOf(place)
  await run('ip', ['link', 'add', bridge, 'type', 'bridge'])
  await run('ip', ['addr', 'add', `${address(place, 254)}/24`, 'dev', bridge])
  await run('ip', ['link', 'set', bridge, 'up'])
  for (const rule of firewallRules(place)) await run('iptables', ['-w', '-I', ...rule])
}

async function startNode(place: Place, daemon: Daemon, node: number): Promise<void> {
  await daemon.hold()
  const cable = cableOf(place, node)
  await run('ip', ['link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(daemon.holder)])
  await run('ip', ['link', 'set', cable, 'master', bridgeOf(place), 'up'])
  const setUp = [
    `ip addr add ${address(place, node)}/24 dev eth0`,
    'ip link set eth0 up',
    'ip link set lo up',
    `ip route add default via ${address(place, 254)}`,
  ]
  await run('nsenter', ['--target', String(daemon.holder), '--net', '--', 'sh', '-ec', setUp.join('\n')])
  await daemon.start()
}

async function formSwarm(swarm: Swarm, managers: number): Promise<void> {
  await swarm.docker(1, ['swarm', 'init', '--advertise-addr', swarm.address(1)])
  for (let node = 2; node <= managers; node++) await joinNode(swarm, node, 'manager')
  const workers = Array.from({ length: swarm.nodes - managers }, (_, i) => managers + 1 + i)
  await Promise.all(workers.map((node) => joinNode(swarm, node, 'worker')))
}

async function joinNode(swarm: Swarm, node: number, role: 'manager' | 'worker'): Promise<void> {
  const token = (await swarm.docker(1, ['swarm', 'join-token', '--quiet', role])).trim()
  const args = ['--advertise-addr', swarm.address(node), '--token', token, `${swarm.address(1)}:2377`]
  await swarm.docker(node, ['swarm', 'join', ...args])
}

function address(place: Place, host: number): string {
  return `10.77.${place.number}.${host}`
}

/** The machine's end of a node's network cable; at most 15 characters. */
function cableOf(place: Place, node: number): string {
  return `swl${place.number}n${node}`
}
