import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cli, runCli, startCli } from '../cli/scripted.ts'
import { eventually } from '../lab/program.ts'
import { type Swarm, startSwarm } from '../lab/swarm.ts'

const COUNT = 300
const PRINT = `i=0; while [ $i -lt ${COUNT} ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done; sleep 100000`
const NUMBERS = Array.from({ length: COUNT }, (_, i) => i)

let swarm: Swarm
let following: Cli | undefined

beforeAll(async () => {
  swarm = await startSwarm({ nodes: 2, engines: ['20', '26'] })
  await create('web', PRINT, '--replicas', '2')
  const isThere = async () => (await ask('logs', 'web')).stdout.split('\n').length > 2 * COUNT
  await eventually('the lines of both tasks', 60_000, isThere)
}, 240_000)

afterAll(async () => {
  following?.child.kill()
  await swarm?.down()
}, 120_000)

const create = (name: string, command: string, ...options: string[]) =>
  swarm.docker(1, [
    ...['service', 'create', '-d', '--name', name, '--network', 'host', ...options],
    ...['lab/busybox:1', 'sh', '-c', command],
  ])

/** Asks the manager's engine, without any server. */
const ask = (...args: string[]) => runCli([...args, '--direct'], { DOCKER_HOST: swarm.host(1) })

const messages = (text: string, slot: number) =>
  [...text.matchAll(/^web\.(\d)\.\w{12}@node\d {4}\| (.*)$/gm)].flatMap(([, of, line]) =>
    Number(of) === slot ? [line] : [],
  )

describe('logs --direct', () => {
  it('prints what each task printed on every node, in the order of time, and says where it is from', async () => {
    const { code, stdout, stderr } = await ask('logs', 'web')
    expect(code).toBe(0)
    expect(stderr).toContain('-- from Docker, not from the store\n')
    for (const slot of [1, 2]) {
      expect(messages(stdout, slot)).toEqual(NUMBERS.map((i) => `out ${i}`))
      expect(messages(stderr, slot)).toEqual(NUMBERS.map((i) => `err ${i}`))
    }
    const { stdout: timed } = await ask('logs', '-t', 'web')
    const times = timed.split('\n').map((line) => line.slice(0, 30))
    expect(times.slice(0, -1)).toEqual(times.slice(0, -1).sort())
    expect(new Set(timed.match(/node\d/g))).toEqual(new Set(['node1', 'node2']))
  })

  it('prints the bytes of docker service logs', async () => {
    for (const form of [[], ['-t', '--no-trunc'], ['--raw', '--details'], ['--no-task-ids', '--no-resolve']]) {
      const ours = await ask('logs', ...form, 'web')
      // It hangs now and then.
      const theirs = await swarm.docker(1, ['service', 'logs', ...form, 'web'], { timeoutMs: 20_000 })
      expect(ours.stdout.split('\n').sort()).toEqual(theirs.split('\n').sort())
    }
  })

  it('counts, filters and finds names as the server does', async () => {
    const { stdout } = await ask('tail', 'web.1', '-n', '3', '--grep', 'OUT')
    expect(messages(stdout, 1)).toEqual([297, 298, 299].map((i) => `out ${i}`))
    const json = await ask('tail', 'web', '--node', 'node2', '-n', '1', '-o', 'json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      'service.name': 'web',
      'host.name': 'node2',
      'log.iostream': expect.any(String),
    })
    expect(await ask('logs', 'wep')).toMatchObject({ code: 1 })
    expect((await ask('logs', 'wep')).stderr).toContain(
      "cannot find a service or task 'wep' in Docker: did you mean web?",
    )
  })

  it('says what a worker cannot tell', async () => {
    const { code, stdout, stderr } = await runCli(['logs', 'web', '--direct', '--strict', '--docker', swarm.host(2)])
    expect(code).toBe(3)
    expect(stderr).toMatch(/^-- other nodes could not be asked: only a manager can ask them, which node2 is not/m)
    expect(new Set(stdout.match(/@node\d/g))).toEqual(new Set(['@node2']))
  })
})

describe('tail -f --direct', () => {
  it('goes on with new lines, and with tasks that come, on all nodes', { timeout: 120_000 }, async () => {
    following = startCli(['tail', '-f', '-n', '0', '--direct', '--docker', swarm.host(1), 'live', 'web'])
    await following.until("no service or task 'live' yet")
    await create('live', 'i=0; while :; do echo "live $i"; i=$((i+1)); sleep 0.2; done', '--mode', 'global')
    for (const node of ['node1', 'node2']) await eventually(node, 60_000, async () => livesOn(node).length > 5)
    expect(following.stderr()).toMatch(/^\+ live\.0\.\w{12}@node2$/m)
    expect(following.stdout()).not.toContain('web')
    await swarm.docker(1, ['service', 'rm', 'live'])
    await following.until('- live.0.')
    for (const node of ['node1', 'node2']) {
      const lines = livesOn(node)
      expect(lines).toEqual(lines.map((_, i) => `live ${i}`))
    }
  })
})

const livesOn = (node: string) =>
  [...(following?.stdout() ?? '').matchAll(/@(node\d) {4}\| (live \d+)$/gm)].flatMap(([, on, line]) =>
    on === node ? [line] : [],
  )

describe('beside a server', () => {
  let folder: string
  let url: string
  const programs: Cli[] = []
  const start = async (args: readonly string[]): Promise<Cli> => {
    const cli = startCli(args)
    programs.push(cli)
    await cli.until(`swarmlogs ${args[0]} ready`)
    return cli
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'swarmlogs-direct-'))
    const listen = ['--listen', '127.0.0.1:0', '--forward', '127.0.0.1:0']
    const server = await start(['server', '--data', join(folder, 'server'), ...listen])
    const [, address = '', forward = ''] = /ready: (\S+) forward (\S+)/.exec(server.stdout()) ?? []
    url = address
    for (const node of [1, 2]) {
      const agent = [
        'agent',
        '--docker',
        swarm.host(node),
        '--server',
        forward,
        '--state',
        join(folder, `agent${node}`),
      ]
      await start(agent)
    }
    const isStored = async () => (await stored('-n', '1', '--strict')).code === 0
    await eventually('all lines to be stored', 60_000, isStored)
  }, 120_000)
  afterAll(async () => {
    for (const { child, ended } of programs.reverse()) {
      child.kill()
      await ended
    }
    await rm(folder, { recursive: true })
  }, 60_000)

  const stored = (...args: string[]) => runCli(['logs', ...args, 'web'], { SWARMLOGS_URL: url })
  const lines = (text: string) => text.split('\n').filter((line) => !/^(-- |the store begins at)/.test(line))

  it.each([
    [[]],
    [['-t', '--no-trunc']],
    [['--raw', '--details']],
    [['--no-task-ids', '--no-resolve']],
    [['-n', '7', '--since', '1h']],
    [['-o', 'logfmt']],
    [['-o', 'csv', '-n', '50', '--reverse']],
  ])('prints what logs prints of the store, line by line: %j', async (flags) => {
    const [direct, kept] = await Promise.all([ask('logs', ...flags, 'web'), stored(...flags)])
    expect(lines(direct.stdout)).toEqual(lines(kept.stdout))
    expect(lines(direct.stderr)).toEqual(lines(kept.stderr))
    // The newest lines may be of one stream alone.
    const count = [kept.stdout, kept.stderr].flatMap(lines).filter((line) => line !== '').length
    expect(count).toBeGreaterThan(flags.includes('-n') ? 7 : COUNT)
  })

  it('says + and - when tasks come and go, as the server is told', { timeout: 90_000 }, async () => {
    const tail = startCli(['tail', '-f', '-n', '0', 'brief'], { SWARMLOGS_URL: url })
    programs.push(tail)
    await tail.until("no service or task 'brief' yet")
    await create('brief', 'while :; do echo brief; sleep 0.2; done', '--mode', 'global')
    for (const node of ['node1', 'node2']) await tail.until(`@${node}\n`)
    expect(tail.stderr()).toMatch(/^\+ brief\.0\.\w{12}@node2$/m)
    await swarm.docker(1, ['service', 'rm', 'brief'])
    await tail.until('- brief.0.')
  })
})

describe('with a node down', () => {
  it('says so, and shows the rest', { timeout: 120_000 }, async () => {
    await swarm.kill(2)
    const isDown = async () => (await swarm.docker(1, ['node', 'ls'])).includes('Down')
    await eventually('node2 to be down', 60_000, isDown)
    const { code, stdout, stderr } = await ask('logs', 'web', '--strict')
    expect(code).toBe(3)
    expect(stderr).toMatch(/^-- node2 could not be asked \(web\): the node is down$/m)
    expect(messages(stdout, Number(/^web\.(\d)\.\w+@node1/m.exec(stdout)?.[1]))).toEqual(NUMBERS.map((i) => `out ${i}`))
  })
})
