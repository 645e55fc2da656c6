import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildImage, connectedAgents, deployFile, serverUrl } from './deploy.ts'
import { ELASTIC_IMAGE, importElastic } from './elastic-image.ts'
import { eventually } from './program.ts'
import { run } from './run.ts'
import type { Swarm } from './swarm.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Elasticsearch asks for this many memory maps; it is the machine's, whose nodes share it. */
const MAX_MAP_COUNT = 262_144

/** A deployed stack.elasticsearch.yml: its servers by their nodes. */
export interface ElasticDeployment {
  readonly token: string
  /** The nodes of the two servers. */
  readonly servers: readonly [number, number]
  /** Passwords and certificates, as the script for users made them. */
  readonly secrets: string
}

/** Deploys stack.elasticsearch.yml as a user would; resolves when each server has heard of the agents of all nodes. */
export async function deployElasticStack(swarm: Swarm): Promise<ElasticDeployment> {
  const [image] = await Promise.all([buildImage(swarm), importElastic(swarm.daemons), allowMaps()])
  const token = randomBytes(32).toString('hex')
  for (const [name, input] of [
    ['swarmlogs_token', token],
    ['swarmlogs_shared_key', randomBytes(32).toString('hex')],
  ] as const)
    await swarm.docker(1, ['secret', 'create', name, '-'], { input })
  const secrets = join(swarm.place.dir, 'elasticsearch-secrets')
  const env = { DOCKER_HOST: swarm.host(1), DOCKER_CONTEXT: undefined }
  await run('node', ['scripts/elasticsearch-secrets.ts', secrets], { cwd: ROOT, env })
  for (const node of [1, 2, 3])
    await swarm.docker(1, ['node', 'update', '--label-add', `swarmlogs.elasticsearch=${node}`, `node${node}`])
  await deployFile(swarm, `${ROOT}stack.elasticsearch.yml`, 'swarmlogs', {
    SWARMLOGS_IMAGE: image,
    SWARMLOGS_ELASTICSEARCH_IMAGE: ELASTIC_IMAGE,
    SWARMLOGS_ELASTICSEARCH_HEAP: '384m',
    SWARMLOGS_ELASTICSEARCH_MEMORY: '1G',
    // In a container or a small VM root may not be allowed to raise it.
    SWARMLOGS_ELASTICSEARCH_NOFILE: (await run('sh', ['-c', 'ulimit -Hn'])).trim().replace('unlimited', '65535'),
    // This machine's kernel may lack ip_vs, and with it the ingress network's virtual addresses.
    SWARMLOGS_PUBLISH_MODE: 'host',
  })
  return { token, secrets, servers: await collectingServers(swarm, token) }
}

/** Waits until there are two servers, and both know of the agents of all nodes; answers their nodes. Until there is a cluster Swarm moves them. */
export async function collectingServers(swarm: Swarm, token: string): Promise<readonly [number, number]> {
  let nodes: number[] = []
  const collect = async () => {
    nodes = await serverNodes(swarm)
    const agents = await Promise.all(nodes.map((node) => connectedAgents(serverUrl(swarm, node), token)))
    return nodes.length === 2 && agents.every((count) => count === swarm.nodes)
  }
  await eventually('two servers that know all agents', 240_000, collect, () => swarm.report())
  return [nodes[0] ?? 0, nodes[1] ?? 0]
}

async function serverNodes(swarm: Swarm): Promise<number[]> {
  const format = ['--filter', 'desired-state=running', '--format', '{{.Node}}']
  const said = await swarm.docker(1, ['service', 'ps', ...format, 'swarmlogs_server'])
  return [...said.matchAll(/node(\d+)/g)].map(([, node]) => Number(node)).sort()
}

async function allowMaps(): Promise<void> {
  const now = Number(await run('sysctl', ['-n', 'vm.max_map_count']))
  if (now < MAX_MAP_COUNT) await run('sysctl', ['-qw', `vm.max_map_count=${MAX_MAP_COUNT}`])
}
