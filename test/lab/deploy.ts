import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { run } from './run.ts'
import type { Swarm } from './swarm.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DEFAULT_IMAGE = 'swarmlogs:latest'

/** A deployed stack.yml: where its server answers, and the secrets it was given. */
export interface Deployment {
  readonly url: string
  readonly token: string
  readonly sharedKey: string
  /** The node that has the store's label. */
  readonly storeNode: number
}

/** What to deploy: an image that all nodes have (default: one is built and copied), and the node for the store (default 1). */
export interface DeployOptions {
  readonly image?: string
  readonly storeNode?: number
}

/** Deploys stack.yml as a user would and waits until the server is ready and an agent of every node is connected. */
export async function deployStack(swarm: Swarm, options: DeployOptions = {}): Promise<Deployment> {
  const image = options.image ?? (await buildImage(swarm))
  const deployment = await createStack(swarm, image, options.storeNode ?? 1)
  await waitUntilCollecting(swarm, deployment)
  return deployment
}

/** Builds the image on node 1 by the users' own script and copies it to all nodes; answers its name. */
export async function buildImage(swarm: Swarm, image = DEFAULT_IMAGE): Promise<string> {
  const env = { DOCKER_HOST: swarm.host(1), DOCKER_CONTEXT: undefined }
  await run('sh', ['scripts/image', '--tag', image], { cwd: ROOT, env, timeoutMs: 600_000 })
  await swarm.load(image)
  return image
}

/** Makes the secrets and the label, and deploys stack.yml unmodified; does not wait for anything to run. */
export async function createStack(swarm: Swarm, image: string, storeNode: number): Promise<Deployment> {
  const token = randomBytes(32).toString('hex')
  const sharedKey = randomBytes(32).toString('hex')
  await swarm.docker(1, ['secret', 'create', 'swarmlogs_token', '-'], { input: token })
  await swarm.docker(1, ['secret', 'create', 'swarmlogs_shared_key', '-'], { input: sharedKey })
  await moveStore(swarm, storeNode)
  // This machine's kernel may lack ip_vs, and with it the ingress network's virtual addresses.
  const env = { SWARMLOGS_IMAGE: image, SWARMLOGS_PUBLISH_MODE: 'host' }
  await deployFile(swarm, `${ROOT}stack.yml`, 'swarmlogs', env)
  return { url: serverUrl(swarm, storeNode), token, sharedKey, storeNode }
}

/** Deploys a stack file under a name. */
export async function deployFile(
  swarm: Swarm,
  file: string,
  name: string,
  env: Record<string, string> = {},
): Promise<void> {
  await swarm.docker(1, ['stack', 'deploy', '--compose-file', file, name], { env })
}

/** Puts the store's label on one node and takes it off all others. */
export async function moveStore(swarm: Swarm, storeNode: number): Promise<void> {
  for (let node = 1; node <= swarm.nodes; node++)
    await swarm.docker(1, ['node', 'update', '--label-add', `swarmlogs.store=${node === storeNode}`, `node${node}`])
}

/** Where the server answers when its task is on a node. */
export function serverUrl(swarm: Swarm, node: number): string {
  return `http://${swarm.address(node)}:4280`
}

/** Waits until the server is ready and the agents of all nodes have sent something; else throws with what the Swarm says. */
export async function waitUntilCollecting(
  swarm: Swarm,
  { url, token }: Pick<Deployment, 'url' | 'token'>,
  timeoutMs = 120_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while ((await connectedAgents(url, token)) < swarm.nodes) {
    if (Date.now() > deadline) throw new Error(await complaint(swarm, timeoutMs))
    await delay(200)
  }
}

/** The number of nodes whose agent the server has heard of; 0 while it does not answer. */
export async function connectedAgents(url: string, token: string): Promise<number> {
  try {
    const options = { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(5000) }
    const response = await fetch(`${url}/api/v1/nodes`, options)
    const { nodes }: { nodes: { agent_seen?: string }[] } = await response.json()
    return nodes.filter((node) => node.agent_seen !== undefined).length
  } catch {
    return 0
  }
}

async function complaint(swarm: Swarm, timeoutMs: number): Promise<string> {
  const said = await Promise.all(
    ['swarmlogs_server', 'swarmlogs_agent'].map((service) =>
      swarm.docker(1, ['service', 'logs', '--tail', '20', service], { timeoutMs: 10_000 }).catch(String),
    ),
  )
  return [`cannot see all agents after ${timeoutMs} ms:`, ...said, await swarm.report()].join('\n')
}
