import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, deployStack, moveStore, serverUrl } from '../lab/deploy.ts'
import { eventually, swarmlogs } from '../lab/program.ts'
import { attempt, type Outcome } from '../lab/run.ts'
import { type Swarm, startSwarm } from '../lab/swarm.ts'

const BUSYBOX = 'lab/busybox:1'
// Prints the numbers of a task's lines, then stays. Docker writes lines of stdout and stderr that come together in any order, whatever
// their times are; so that its newest ones are ours, the last ones come slowly.
const COUNT = (lines: number) =>
  `slow() { [ $i -lt ${lines - 4} ] || usleep 50000; }
  i=0; while [ $i -lt ${lines} ]; do slow; echo "out $i"; slow; echo "err $i" >&2; i=$((i+1)); done; sleep 100000`

let swarm: Swarm
let deployment: Deployment

beforeAll(async () => {
  swarm = await startSwarm({ nodes: 3, engines: ['20', '26', '26'] })
  // Not on the manager, which is drained.
  deployment = await deployStack(swarm, { storeNode: 2 })
}, 300_000)

afterAll(async () => {
  await swarm?.down()
}, 120_000)

/** Runs one of our commands against the deployed server. */
function ours(...args: string[]): Promise<Outcome> {
  return swarmlogs(args, { env: { SWARMLOGS_URL: deployment.url, SWARMLOGS_TOKEN: deployment.token } })
}

async function create(name: string, options: readonly string[], command: string): Promise<void> {
  await swarm.docker(1, [
    'service',
    'create',
    '-d',
    '--name',
    name,
    '--network',
    'host',
    ...options,
    BUSYBOX,
    'sh',
    '-c',
    command,
  ])
}

/** The lines, without what we say of those that may be missing. */
function sortedLines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('-- '))
    .sort()
}

/** Waits until the service's stored lines are `count`. */
async function stored(service: string, count: number, ...flags: string[]): Promise<string[]> {
  let lines: string[] = []
  const check = async () => {
    const { code, stdout, stderr } = await ours('logs', service, ...flags)
    lines = sortedLines(stdout + stderr)
    // Until the service is known, what is on stderr says so.
    return code === 0 && lines.length >= count
  }
  const tell = async () => {
    const tasks = await swarm.docker(1, ['service', 'ps', '--no-trunc', service]).catch(String)
    return `(there are ${lines.length}):\n${lines.slice(-20).join('\n')}\n${tasks}`
  }
  await eventually(`${count} lines of ${service}`, 120_000, check, tell)
  return lines
}

/** `docker service logs` on the first manager. It hangs now and then, so it gets more tries than one. */
async function docker(...args: string[]): Promise<Outcome> {
  for (let tries = 0; ; tries++) {
    const outcome = await attempt('docker', ['-H', swarm.host(1), 'service', 'logs', ...args], { timeoutMs: 15_000 })
    if (outcome.code !== null || tries === 4) return outcome
  }
}

const FORMS: readonly (readonly string[])[] = [
  [],
  ['-t'],
  ['--raw'],
  ['--no-trunc'],
  ['--no-task-ids'],
  ['--no-resolve'],
  ['--details'],
  ['--raw', '--details'],
  ['-t', '--no-trunc', '--details'],
  ['-n', '5'],
]

async function expectSameBytes(service: string, count: number, forms: readonly (readonly string[])[]): Promise<void> {
  await stored(service, count)
  for (const form of forms) {
    const theirs = await docker(...form, service)
    const mine = await ours('logs', '--current', ...form, service)
    expect(sortedLines(mine.stdout), `stdout of logs ${form.join(' ')} ${service}`).toEqual(sortedLines(theirs.stdout))
    expect(sortedLines(mine.stderr), `stderr of logs ${form.join(' ')} ${service}`).toEqual(sortedLines(theirs.stderr))
  }
}

describe('swarmlogs logs prints what docker service logs prints', () => {
  it('for a replicated service, in every form', { timeout: 180_000 }, async () => {
    await create('web', ['--replicas', '3'], COUNT(40))
    await expectSameBytes('web', 240, FORMS)
  })

  it('for a global service', { timeout: 120_000 }, async () => {
    await create('glob', ['--mode', 'global'], COUNT(20))
    await expectSameBytes('glob', 120, FORMS)
  })

  it('for a service whose log driver adds attributes', { timeout: 120_000 }, async () => {
    const options = ['--log-opt', 'labels=app', '--log-opt', 'env=FOO', '--log-opt', 'tag=T']
    await create('attributes', ['--container-label', 'app=x', '--env', 'FOO=a,b=c d', ...options], COUNT(5))
    await expectSameBytes('attributes', 10, FORMS)
  })

  it('for a TTY service with --raw', { timeout: 120_000 }, async () => {
    await create('tty', ['--tty'], COUNT(5))
    await expectSameBytes('tty', 10, [['--raw'], ['--raw', '-t']])
  })
})

describe('logs outlive what docker forgets', () => {
  it('pads by the replicas of now, and keeps what was scaled away or removed', { timeout: 240_000 }, async () => {
    await create('scaled', ['--replicas', '3'], COUNT(3))
    await stored('scaled', 18)
    await swarm.docker(1, ['service', 'scale', '-d', 'scaled=12'])
    await stored('scaled', 72)
    await eventually('padding for 12 replicas', 60_000, async () => {
      const { stdout } = await ours('logs', 'scaled')
      return (
        /^scaled\.1\.\w{12}@node\d {5}\| out 0$/m.test(stdout) &&
        /^scaled\.12\.\w{12}@node\d {4}\| out 0$/m.test(stdout)
      )
    })
    await expectSameBytes('scaled', 72, [[]])
    await swarm.docker(1, ['service', 'scale', '-d', 'scaled=3'])
    await eventually('padding for 3 replicas', 60_000, async () =>
      /^scaled\.1\.\w{12}@node\d {4}\| out 0$/m.test((await ours('logs', 'scaled')).stdout),
    )
    await swarm.docker(1, ['service', 'scale', '-d', 'scaled=0'])
    expect(await stored('scaled', 72)).toHaveLength(72)
    await swarm.docker(1, ['service', 'rm', 'scaled'])
    expect(await stored('scaled', 72)).toHaveLength(72)
    await eventually('a removed service left out by --current', 60_000, async () => {
      const { stdout, stderr } = await ours('logs', '--current', 'scaled')
      return !`${stdout}${stderr}`.includes('| out')
    })
  })

  it('keeps the lines of a killed task beside those of its successor', { timeout: 180_000 }, async () => {
    await create('killed', ['--replicas', '1', '--restart-delay', '0s'], COUNT(10))
    await stored('killed', 20)
    const task = (await swarm.docker(1, ['service', 'ps', '-q', '--no-trunc', 'killed'])).trim()
    const node = await nodeOf('killed')
    const container = (
      await swarm.docker(node, ['ps', '-q', '--filter', `label=com.docker.swarm.task.id=${task}`])
    ).trim()
    await swarm.docker(node, ['kill', container])
    const lines = await stored('killed', 40)
    expect(lines).toHaveLength(40)
    expect(new Set(lines.map((line) => line.split('@')[0])).size).toBe(2)
    await currentTasks('killed', 2)
    await expectSameBytes('killed', 40, [[]])
  })

  it('shows old and new tasks of a rolling update as one service', { timeout: 180_000 }, async () => {
    await create('rolled', ['--replicas', '2', '--update-delay', '0s', '--stop-grace-period', '1s'], COUNT(4))
    await stored('rolled', 16)
    await swarm.docker(1, ['service', 'update', '-d', '--env-add', 'V=2', 'rolled'])
    const lines = await stored('rolled', 32)
    expect(lines).toHaveLength(32)
  })
})

describe('odd lines and short lives', () => {
  it('a line of 40 KB arrives whole', { timeout: 60_000 }, async () => {
    await create('long', [], `head -c 40000 /dev/zero | tr '\\0' x; echo; sleep 100000`)
    await eventually(
      'the long line',
      60_000,
      async () => (await ours('logs', '--raw', 'long')).stdout === `${'x'.repeat(40_000)}\n`,
    )
  })

  it('every line of 200 tasks that live for less than a second arrives', { timeout: 240_000 }, async () => {
    const options = [
      '--mode',
      'replicated-job',
      '--replicas',
      '200',
      '--max-concurrent',
      '20',
      '--restart-condition',
      'none',
    ]
    await create('short', options, 'echo one; echo two >&2; printf three')
    const lines = await stored('short', 600)
    expect(lines).toHaveLength(600)
    expect(new Set(lines).size).toBe(600)
    await swarm.docker(1, ['service', 'rm', 'short'])
  })

  it('--since is inclusive and --until is exclusive, to the nanosecond', { timeout: 60_000 }, async () => {
    const lines = sortedLines((await ours('logs', '-t', '--raw', 'web')).stdout)
    const middle = lines[Math.floor(lines.length / 2)]?.split(' ')[0] ?? ''
    const later = await ours('logs', '-t', '--raw', '--since', middle, 'web')
    const earlier = await ours('tail', '-t', '--raw', '-n', 'all', '--until', middle, 'web')
    expect(sortedLines(later.stdout)).toEqual(lines.filter((line) => line >= middle))
    expect(sortedLines(earlier.stdout)).toEqual(lines.filter((line) => line < middle))
  })
})

describe('nodes and the server come and go', () => {
  // Says a few last words when it is stopped, over most of a second.
  const WORDS = `trap 'for i in 1 2 3 4; do echo "last $i"; usleep 200000; done; exit 0' TERM; echo ready; while :; do usleep 50000; done`

  async function expectLastWords(service: string, node: number): Promise<void> {
    await create(service, ['--constraint', `node.hostname==node${node}`, '--stop-grace-period', '20s'], WORDS)
    await stored(service, 1)
    await swarm.docker(1, ['node', 'update', '--availability', 'drain', `node${node}`])
    await stored(service, 5)
    await swarm.docker(1, ['node', 'update', '--availability', 'active', `node${node}`])
    await agents(3)
  }

  it('a drained worker: the last words of its tasks arrive', { timeout: 240_000 }, async () => {
    await expectLastWords('worker', 3)
  })

  it('a drained manager: the last words of its tasks arrive', { timeout: 240_000 }, async () => {
    await expectLastWords('manager', 1)
  })

  it('the server moves to another node and back: every line that Docker holds is there, once', {
    timeout: 300_000,
  }, async () => {
    await create('moved', ['--mode', 'global'], COUNT(30))
    const before = await stored('moved', 180)
    await moveServer(3)
    expect(await stored('moved', 180)).toEqual(before)
    await create('meanwhile', ['--mode', 'global'], COUNT(10))
    await stored('meanwhile', 60)
    await moveServer(2)
    expect(await stored('moved', 180)).toEqual(before)
    expect(await stored('meanwhile', 60)).toHaveLength(60)
  })
})

/** Waits until so many agents run. */
async function agents(count: number): Promise<void> {
  await eventually(`${count} agents`, 60_000, async () => {
    const states = await swarm.docker(1, [
      ...['service', 'ps', '--filter', 'desired-state=running', '--format', '{{.CurrentState}}', 'swarmlogs_agent'],
    ])
    return states.split('\n').filter((state) => state.startsWith('Running')).length === count
  })
}

/** Moves the store's label, and asks the server there from then on. */
async function moveServer(node: number): Promise<void> {
  await moveStore(swarm, node)
  deployment = { ...deployment, url: serverUrl(swarm, node) }
  await eventually('the server on its new node', 90_000, async () => (await ours('services')).code === 0)
}

/** Waits until the server knows that docker still has so many tasks of the service. */
async function currentTasks(service: string, count: number): Promise<void> {
  await eventually(`${count} tasks of ${service}`, 60_000, async () => {
    const { stdout } = await ours('logs', '--current', service)
    return new Set(sortedLines(stdout).map((line) => line.split('@')[0])).size === count
  })
}

/** The number of the node that the service's only running task is on. */
async function nodeOf(service: string): Promise<number> {
  const name = await swarm.docker(1, [
    'service',
    'ps',
    '--filter',
    'desired-state=running',
    '--format',
    '{{.Node}}',
    service,
  ])
  return Number(name.trim().replace('node', ''))
}
