import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ROLE } from '../../scripts/elasticsearch-files.ts'
import { type Elastic, startElastic } from '../lab/elastic.ts'
import { type Engine, startEngine } from '../lab/engine.ts'
import { exact, judge, printer, type Verdict } from '../lab/ledger.ts'
import { eventually, killPrograms, type Program, startProgram, swarmlogs } from '../lab/program.ts'

/** With SWARMLOGS_LONG_FAULTS nodes stand still for a minute, with the cluster's own patience; otherwise it is a short one. */
const IS_LONG = Boolean(process.env.SWARMLOGS_LONG_FAULTS)
const HOLD_MS = IS_LONG ? 60_000 : 5_000
const LINES = IS_LONG ? 60_000 : 4_000
const HTTP = '127.0.0.1:14283'
const FORWARD = '127.0.0.1:14227'

/** A tiny queue, one thread to empty it, and a cluster that soon misses a node. */
const SETTINGS = {
  'thread_pool.write.queue_size': 1,
  'node.processors': 1,
  'cluster.info.update.interval': '10s',
  ...(IS_LONG
    ? {}
    : {
        'cluster.fault_detection.follower_check.timeout': '1s',
        'cluster.fault_detection.leader_check.timeout': '1s',
        'cluster.fault_detection.follower_check.retry_count': 2,
        'cluster.fault_detection.leader_check.retry_count': 2,
      }),
}

/** How one fault is done and undone; it must be seen at /readyz where `isSeen`. */
interface Fault {
  readonly name: string
  readonly isSeen: boolean
  begin(): Promise<void>
  end(): Promise<void>
}

let elastic: Elastic
let engine: Engine
let folder: string
let server: Program
let agent: Program
/** The node that a fault is done to. */
let victim = 0
const table: string[][] = []

beforeAll(async () => {
  elastic = await startElastic({ nodes: 3, secure: true, heap: '400m', settings: SETTINGS })
  engine = await startEngine({ name: 'cluster' })
  folder = await mkdtemp(join(tmpdir(), 'swarmlogs-cluster-'))
  const { body } = await elastic.call('POST', '/_security/api_key', { name: 'swarmlogs', role_descriptors: { ROLE } })
  await writeFile(join(folder, 'key'), JSON.parse(body).encoded)
  server = await startProgram(
    [
      ...['server', '--listen', HTTP, '--forward', FORWARD, '--insecure', '--log-level', 'debug'],
      ...['--elasticsearch', elastic.urls.join(','), '--elasticsearch-ca', elastic.caFile ?? ''],
      ...['--elasticsearch-api-key-file', join(folder, 'key'), '--elasticsearch-replicas', '1'],
    ],
    { SWARMLOGS_STORE: 'elasticsearch' },
  )
  agent = await startProgram(
    ['agent', '--docker', engine.host, '--server', FORWARD, '--state', join(folder, 'state'), '--insecure'],
    { SWARMLOGS_NODE_NAME: 'cluster' },
  )
}, 240_000)

afterAll(async () => {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  for (const row of table)
    process.stdout.write(`${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`)
  killPrograms()
  await engine?.stop()
  await elastic?.stop()
  if (folder) await rm(folder, { recursive: true, force: true })
}, 120_000)

const today = (): string => `swarmlogs-${new Date().toISOString().slice(0, 10).replaceAll('-', '.')}`

/** Fails when the cluster does not do it. */
async function ask(method: string, path: string, body?: unknown): Promise<string> {
  const answer = await elastic.call(method, path, body)
  if (answer.status >= 300) throw new Error(`cannot ${method} ${path}: ${answer.status} ${answer.body}`)
  return answer.body
}

async function primaryNode(): Promise<number> {
  const shards: { prirep: string; node: string }[] = JSON.parse(await ask('GET', `/_cat/shards/${today()}?format=json`))
  return Number(shards.find(({ prirep }) => prirep === 'p')?.node.replace('node', ''))
}

async function restart(nodes: readonly number[]): Promise<void> {
  await Promise.all(nodes.map((node) => elastic.start(node)))
  await elastic.ready()
}

const watermarks = (bytes: string) => ({
  persistent: {
    'cluster.routing.allocation.disk.threshold_enabled': true,
    ...Object.fromEntries(
      ['low', 'high', 'flood_stage'].map((name) => [`cluster.routing.allocation.disk.watermark.${name}`, bytes]),
    ),
  },
})

async function rejections(): Promise<number> {
  const { nodes }: { nodes: Record<string, { thread_pool: { write: { rejected: number } } }> } = JSON.parse(
    await ask('GET', '/_nodes/stats/thread_pool?filter_path=nodes.*.thread_pool.write.rejected'),
  )
  return Object.values(nodes).reduce((sum, { thread_pool }) => sum + thread_pool.write.rejected, 0)
}

/** Writes from elsewhere, on all nodes, until the cluster has refused so many, and the server has seen it. */
async function crowd(): Promise<void> {
  const before = await rejections()
  await ask('PUT', '/crowd', { settings: { number_of_shards: 3, number_of_replicas: 2 } })
  const isSeen = (): boolean => /store waits for a busy cluster/.test(server.stderr())
  const lines = `{"create":{}}\n${JSON.stringify({ message: 'x'.repeat(1000) })}\n`.repeat(2000)
  for (const started = performance.now(); !isSeen() || (await rejections()) < before + 20; ) {
    if (performance.now() - started > 60_000) throw new Error(`cannot have the server refused: ${server.stderr()}`)
    await Promise.all(Array.from({ length: 8 }, () => elastic.call('POST', '/crowd/_bulk', lines)))
  }
}

const FAULTS: readonly Fault[] = [
  {
    name: 'kill -9 of the node with the lines',
    isSeen: false,
    begin: async () => {
      victim = await primaryNode()
      await elastic.kill(victim)
    },
    end: () => restart([victim]),
  },
  {
    name: 'kill -9 of the master',
    isSeen: false,
    begin: async () => {
      victim = await elastic.master()
      await elastic.kill(victim)
    },
    end: () => restart([victim]),
  },
  {
    name: `SIGSTOP for ${HOLD_MS / 1000} s`,
    isSeen: false,
    begin: async () => {
      victim = await primaryNode()
      elastic.pause(victim)
      await new Promise((resolve) => setTimeout(resolve, HOLD_MS))
    },
    end: async () => {
      elastic.resume(victim)
      await elastic.ready()
    },
  },
  {
    name: 'restart of the whole cluster',
    isSeen: true,
    begin: async () => {
      await Promise.all([1, 2, 3].map((node) => elastic.kill(node)))
    },
    end: () => restart([1, 2, 3]),
  },
  {
    name: 'index read-only',
    isSeen: true,
    begin: async () => {
      await ask('PUT', `/${today()}/_settings`, { 'index.blocks.read_only': true })
    },
    end: async () => {
      await ask('PUT', `/${today()}/_settings`, { 'index.blocks.read_only': false })
    },
  },
  {
    name: 'disks at the flood stage',
    isSeen: true,
    begin: async () => {
      await ask('PUT', '/_cluster/settings', watermarks('10000gb'))
    },
    end: async () => {
      await ask('PUT', '/_cluster/settings', watermarks('1b'))
    },
  },
  { name: 'full write queue (429)', isSeen: false, begin: crowd, end: async () => {} },
  {
    name: 'index deleted',
    isSeen: false,
    begin: async () => {
      await ask('DELETE', `/${today()}`)
    },
    end: async () => {},
  },
]

describe('three nodes of Elasticsearch, with TLS and an API key', () => {
  it.each(FAULTS)('$name: every line is stored once', { timeout: 240_000 }, async ({ name, isSeen, begin, end }) => {
    const run = `fault${FAULTS.findIndex((fault) => fault.name === name)}`
    await engine.docker([
      ...['run', '-d', '--name', run, '--network', 'none', 'lab/busybox:1'],
      ...['sh', '-c', printer(run, LINES, 10)],
    ])
    await eventually('first lines stored', 30_000, async () => (await recordsOf(run)) > 200)
    const refused = refusals()
    onTestFinished(async () => void (await refused()))
    await begin()
    if (isSeen) await eventually('/readyz to say so', 60_000, async () => (await readiness()) === 503)
    await end()
    const healed = performance.now()
    await eventually('/readyz to be well', 60_000, async () => (await readiness()) === 200, tellReadiness)
    await engine.docker(['wait', run])
    let verdict: Verdict = exact
    await eventually(
      `an exact ledger of ${run}`,
      90_000,
      async () => {
        if ((await recordsOf(run)) < 2 * LINES) return false
        verdict = judge(run, LINES, await stored(run))
        return verdict.missing.length === 0
      },
      async () => `${await recordsOf(run)} records, ${JSON.stringify(verdict)}`,
    )
    const caughtUpMs = performance.now() - healed
    const unready = await refused()
    if (table.length === 0) table.push(['fault', 'lines', 'missing', 'doubled', 'not ready', 'all there after'])
    const { missing, doubled } = verdict
    const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
    table.push([name, `${2 * LINES}`, `${missing.length}`, `${doubled.length}`, seconds(unready), seconds(caughtUpMs)])
    expect(verdict).toEqual(exact)
    expect([server.child.exitCode, agent.child.exitCode]).toEqual([null, null])
    await engine.docker(['rm', '-f', run])
  })
})

async function tellReadiness(): Promise<string> {
  return `${await (await fetch(`http://${HTTP}/readyz`)).text()} ${server.stderr().slice(-2000)}`
}

async function readiness(): Promise<number> {
  const answer = await fetch(`http://${HTTP}/readyz`)
  // What is left unread holds its connection.
  await answer.text()
  return answer.status
}

/** Counts from now on for how many milliseconds the server is not ready. */
function refusals(): () => Promise<number> {
  let [unreadyMs, isOver] = [0, false]
  const counting = (async () => {
    for (let last = performance.now(); !isOver; ) {
      const status = await readiness().catch(() => 0)
      await new Promise((resolve) => setTimeout(resolve, 100))
      const now = performance.now()
      if (status !== 200) unreadyMs += now - last
      last = now
    }
  })()
  return async () => {
    isOver = true
    await counting
    return unreadyMs
  }
}

/** How many lines of a printer the server knows of. */
async function recordsOf(run: string): Promise<number> {
  const answer = await fetch(`http://${HTTP}/api/v1/services`)
  const { services } = (await answer.json()) as { services?: { name: string; records: number }[] }
  return services?.find(({ name }) => name === run)?.records ?? 0
}

async function stored(run: string): Promise<string[]> {
  const answer = await swarmlogs(['search', '--container', run, '-o', 'json', '-n', 'all', '--since', '1d'], {
    env: { SWARMLOGS_URL: `http://${HTTP}` },
  })
  return answer.stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).message]))
}
