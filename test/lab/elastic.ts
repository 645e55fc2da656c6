import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { type Access, type Answer, call } from './elastic-call.ts'
import { givenElastic } from './elastic-given.ts'
import { ElasticNode, type ElasticSettings } from './elastic-node.ts'
import { ensureElastic, unpackElastic } from './elastic-package.ts'
import { addEmailAnalysis } from './elastic-plugin.ts'
import { untilReady } from './elastic-ready.ts'
import { makeSecurity, type Security } from './elastic-security.ts'
import { claimPlace, clearPlace, type Place } from './place.ts'
import { freePorts } from './ports.ts'

/** A real Elasticsearch cluster of a test's own. Nodes are numbered from 1. */
export interface Elastic extends Access {
  /** Where `caFile`'s authority signed for https. */
  readonly urls: readonly string[]
  /** What points swarmlogs at this cluster. */
  readonly env: Readonly<Record<string, string>>
  /** Asks node `i` (default: the first that answers); throws when nobody answers, not for a status. */
  call(method: string, path: string, body?: unknown, i?: number): Promise<Answer>
  /** The pid of node `i`; 0 when it does not run. */
  pid(i: number): number
  /** The number of the node that is master. */
  master(): Promise<number>
  /** Resolves when all nodes that run have found each other, and every index can be read and written. */
  ready(): Promise<void>
  /** Sends SIGKILL; the node's data stays. */
  kill(i: number): Promise<void>
  /** Starts a node again; resolves when it listens, which may be before it has found a master. */
  start(i: number): Promise<void>
  /** Sends SIGSTOP: the node neither answers nor closes a connection. */
  pause(i: number): void
  /** Sends SIGCONT. */
  resume(i: number): void
  /** Ends everything and removes what was made. */
  stop(): Promise<void>
}

/** Which cluster to start: nodes (default 1), TLS and a password, more settings of elasticsearch.yml, heap of a node (default 512m), whether it is for figures. */
export interface ElasticOptions {
  readonly nodes?: number
  readonly secure?: boolean
  readonly settings?: ElasticSettings
  readonly heap?: string
  readonly isMeasured?: boolean
}

/** Starts a cluster; downloads Elasticsearch first when it is missing. A plain one is that of ELASTICSEARCH_URL, when given. */
export async function startElastic(options: ElasticOptions = {}): Promise<Elastic> {
  const isPlain = (options.nodes ?? 1) === 1 && !options.secure && options.settings === undefined
  if (isPlain && process.env.ELASTICSEARCH_URL) return givenElastic(process.env.ELASTICSEARCH_URL)
  await ensureElastic()
  const place = await claimPlace()
  try {
    const elastic = await layOut(place, options)
    await Promise.all(elastic.urls.map((_, index) => elastic.start(index + 1)))
    await elastic.ready()
    return elastic
  } catch (error) {
    await clearPlace(place)
    throw error
  }
}

async function layOut(place: Place, { nodes: count = 1, secure = false, ...rest }: ElasticOptions): Promise<Elastic> {
  // The servers' own user must get to their folders.
  chmodSync(place.dir, 0o711)
  const home = await unpackElastic(place.dir)
  const ports = await freePorts(place, count * 2)
  const security = secure ? makeSecurity(join(place.dir, 'secrets')) : undefined
  if (secure) await addEmailAnalysis(home)
  const nodes: ElasticNode[] = []
  for (let index = 0; index < count; index++) {
    const settings = {
      ...clusterSettings(ports, index),
      ...(security === undefined ? { 'xpack.security.enabled': false } : security.settings),
      ...rest.settings,
    }
    const { files = [], texts = {} } = security ?? {}
    const dir = join(place.dir, `node${index + 1}`)
    const isBrief = rest.isMeasured !== true
    nodes.push(await ElasticNode.create({ dir, place: place.dir, home, settings, files, texts, isBrief }))
  }
  const urls = nodes.map((_, index) => `${secure ? 'https://localhost' : 'http://127.0.0.1'}:${ports[index]}`)
  const access = { urls, ...security?.access }
  return cluster(place, nodes, access, { heap: rest.heap ?? '512m', env: environmentOf(access, security) })
}

function cluster(
  place: Place,
  nodes: readonly ElasticNode[],
  access: Access,
  { heap, env }: { readonly heap: string; readonly env: Readonly<Record<string, string>> },
): Elastic {
  const node = (i: number) => {
    const found = nodes[i - 1]
    if (found === undefined) throw new Error(`cannot find node ${i}: nodes are 1 to ${nodes.length}`)
    return found
  }
  return {
    ...access,
    env,
    call: (method, path, body, i) => call(access, method, path, { body, only: i }),
    pid: (i) => node(i).pid,
    master: async () => {
      const { body } = await call(access, 'GET', '/_cat/master?format=json', {})
      return Number(/"node":"node(\d+)"/.exec(body)?.[1] ?? 0)
    },
    ready: () => untilReady(access, () => nodes.filter(({ pid }) => pid !== 0).length),
    kill: (i) => node(i).kill(),
    start: (i) => node(i).start(heap),
    pause: (i) => node(i).pause(),
    resume: (i) => node(i).resume(),
    stop: async () => {
      // A server that was killed takes a while to give its memory back, in which it has no environment to be known by.
      await Promise.all(nodes.map((one) => one.kill()))
      await clearPlace(place)
    },
  }
}

function clusterSettings(ports: readonly number[], index: number): ElasticSettings {
  const count = ports.length / 2
  return {
    'cluster.name': `swarmlogs-lab-${ports[0]}`,
    'node.name': `node${index + 1}`,
    'network.host': '127.0.0.1',
    'http.port': ports[index] ?? 0,
    'transport.port': ports[count + index] ?? 0,
    'discovery.seed_hosts': ports.slice(count).map((port) => `127.0.0.1:${port}`),
    'cluster.initial_master_nodes': ports.slice(count).map((_, other) => `node${other + 1}`),
    // A node without a master listens all the same, so that nodes can be started one after the other.
    'discovery.initial_state_timeout': '0s',
    // A test machine's disk may be nearly full.
    'cluster.routing.allocation.disk.threshold_enabled': false,
  }
}

function environmentOf({ urls }: Access, security: Security | undefined): Record<string, string> {
  const env = { SWARMLOGS_STORE: 'elasticsearch', SWARMLOGS_ELASTICSEARCH: urls.join(',') }
  if (security === undefined) return env
  return {
    ...env,
    SWARMLOGS_ELASTICSEARCH_USER: security.access.user,
    SWARMLOGS_ELASTICSEARCH_PASSWORD_FILE: security.access.passwordFile,
    SWARMLOGS_ELASTICSEARCH_CA: security.access.caFile,
  }
}
