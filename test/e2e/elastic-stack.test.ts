import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serverUrl } from '../lab/deploy.ts'
import { collectingServers, deployElasticStack, type ElasticDeployment } from '../lab/elastic-stack.ts'
import { exact, judge, printer } from '../lab/ledger.ts'
import { kill } from '../lab/processes.ts'
import { swarmlogs } from '../lab/program.ts'
import { type Swarm, startSwarm } from '../lab/swarm.ts'
import { Events, messagesOf } from '../server/events.ts'

const LINES = 3_000
const NODES = ['node1', 'node2', 'node3']

let swarm: Swarm
let deployment: ElasticDeployment

beforeAll(async () => {
  swarm = await startSwarm({ nodes: 3, engines: ['20', '26', '26'] })
  deployment = await deployElasticStack(swarm)
}, 400_000)

afterAll(async () => {
  await swarm?.down()
}, 120_000)

describe('stack.elasticsearch.yml on a Swarm', () => {
  it('lets the superuser in by the password that was made', async () => {
    const password = readFileSync(join(deployment.secrets, 'elastic_password'), 'utf8')
    expect(
      await inElasticsearch(
        `curl -s --cacert config/certs/ca.pem -u elastic:${password} https://localhost:9200/_cat/nodes?h=name`,
      ),
    ).toMatch(/es1\nes2\nes3/)
  })

  it('keeps every line once when a server is killed under load, and a tail on the other shows it once', {
    timeout: 240_000,
  }, async () => {
    const [killed, other] = deployment.servers
    const client = tail(other)
    await client.until('live')
    await print()
    const shown: string[] = []
    const readUpTo = async (count: number) => {
      while (shown.length < count) shown.push(...messagesOf(await client.take(1)))
    }
    await readUpTo((NODES.length * LINES) / 2)
    await killServer(killed)
    await readUpTo(NODES.length * 2 * LINES)
    const servers = await collectingServers(swarm, deployment.token)
    // Comes last, so that a line that is shown twice is noticed.
    await say('this is all')
    shown.push(...messagesOf(await client.untilMessage('this is all')))
    for (const node of NODES) {
      // A tail shows lines as they are committed: of what was on its way when the server died, later ones can be first.
      expect({ ...judge(node, LINES, ofNode(shown, node)), outOfOrder: 0 }, `tail of ${node}`).toEqual(exact)
      for (const server of servers)
        expect(judge(node, LINES, ofNode(await searched(server), node)), `search of ${node}`).toEqual(exact)
    }
    client.close()
  })
})

function ofNode(messages: readonly string[], node: string): string[] {
  return messages.filter((message) => message.startsWith(`${node} `))
}

function tail(server: number): Events {
  const url = `${serverUrl(swarm, server)}/api/v1/tail?service=load`
  return new Events(url, { authorization: `Bearer ${deployment.token}` })
}

/** Has every node print as fast as it can, nearly. */
async function print(): Promise<void> {
  const options = [
    '--name',
    'load',
    '--mode',
    'global',
    '--restart-condition',
    'none',
    '--env',
    'RUN={{.Node.Hostname}}',
  ]
  const command = `${printer('$RUN', LINES, 20)}; sleep 100000`
  await swarm.docker(1, [
    'service',
    'create',
    '-d',
    '--network',
    'host',
    ...options,
    'lab/busybox:1',
    'sh',
    '-c',
    command,
  ])
}

/** Has the task on the first node print a line. */
async function say(line: string): Promise<void> {
  const id = (await swarm.docker(1, ['ps', '-q', '--filter', 'name=load'])).trim()
  await swarm.docker(1, ['exec', id, 'sh', '-c', `echo ${line} > /proc/1/fd/1`])
}

async function killServer(node: number): Promise<void> {
  const id = (await swarm.docker(node, ['ps', '-q', '--filter', 'name=swarmlogs_server'])).trim()
  kill(Number(await swarm.docker(node, ['inspect', '--format', '{{.State.Pid}}', id])))
}

async function searched(server: number): Promise<string[]> {
  const env = { SWARMLOGS_URL: serverUrl(swarm, server), SWARMLOGS_TOKEN: deployment.token }
  const { stdout } = await swarmlogs(['search', 'payload', '--service', 'load', '-o', 'json'], { env })
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).message]))
}

async function inElasticsearch(command: string): Promise<string> {
  const id = (await swarm.docker(1, ['ps', '-q', '--filter', 'name=swarmlogs_es1'])).trim()
  return (await swarm.docker(1, ['exec', id, 'sh', '-c', command])).split('\n').sort().join('\n').trim()
}
