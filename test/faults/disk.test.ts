import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { type Engine, startEngine } from '../lab/engine.ts'
import { brokenDisk, type FailingDisk, smallDisk } from '../lab/failing-disk.ts'
import { exact, judge, printer } from '../lab/ledger.ts'
import { eventually, killPrograms, type Program, startProgram, swarmlogs } from '../lab/program.ts'

const HTTP = '127.0.0.1:15180'
const FORWARD = '127.0.0.1:15124'
const LINES = 4_000
const SERVER_MB = 130
const AGENT_MB = 4

const disks: [string, (root: string, megabytes: number) => Promise<FailingDisk>][] = [
  ['is full', smallDisk],
  ['fails with EIO', brokenDisk],
]

let engine: Engine
let root: string
let disk: FailingDisk

beforeAll(async () => {
  engine = await startEngine({ name: 'disk' })
})
afterAll(() => engine?.stop())
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'swarmlogs-disk-'))
})
afterEach(async () => {
  killPrograms()
  await engine.docker(['rm', '-f', 'ledger'])
  await disk.remove()
  await rm(root, { recursive: true, force: true })
})

describe.each(disks)('a disk that %s', (_, makeDisk) => {
  it('under the agent stops reading, and costs no line', { timeout: 120_000 }, async () => {
    disk = await makeDisk(root, AGENT_MB)
    const server = await startServer(join(root, 'data'))
    const agent = await startAgent(disk.dir, disk.env)
    await print()
    await eventually('the first lines', 20_000, async () => (await stored()).length > 500)
    await disk.fail()
    await eventually('the agent to notice', 20_000, async () => /waiting for the disk/.test(agent.stderr()))
    const used = cpuSeconds(agent)
    await engine.docker(['wait', 'ledger'])
    expect(cpuSeconds(agent) - used).toBeLessThan(5)
    await disk.heal()
    await expectAll()
    expect(agent.child.exitCode).toBeNull()
    expect(await agent.end('SIGTERM')).toBe(0)
    await server.end('SIGTERM')
  })

  it('at the start of the agent has it wait, not end', { timeout: 120_000 }, async () => {
    disk = await makeDisk(root, AGENT_MB)
    await startServer(join(root, 'data'))
    const before = await startAgent(disk.dir, disk.env)
    await before.end('SIGTERM')
    await disk.fail()
    const agent = startAgent(disk.dir, disk.env)
    await print()
    await engine.docker(['wait', 'ledger'])
    await disk.heal()
    await expectAll()
    expect(await (await agent).end('SIGTERM')).toBe(0)
  })

  it('at the very first start of the agent has it wait, not end, and say why', { timeout: 120_000 }, async () => {
    disk = await makeDisk(root, AGENT_MB)
    await startServer(join(root, 'data'))
    await disk.fail()
    const starting = startAgent(disk.dir, disk.env)
    await print()
    await engine.docker(['wait', 'ledger'])
    await disk.heal()
    await expectAll()
    const agent = await starting
    expect(agent.stderr()).toMatch(/cannot use the disk of the state folder; trying again/)
    expect(await agent.end('SIGTERM')).toBe(0)
  })

  it('under the server stops acks, not searches; /readyz says why', { timeout: 120_000 }, async () => {
    disk = await makeDisk(root, SERVER_MB)
    const server = await startServer(disk.dir, disk.env)
    tellIfFailed(server)
    await startAgent(join(root, 'state'))
    await print()
    await eventually('the first lines', 20_000, async () => (await stored()).length > 500)
    await disk.fail()
    await eventually('the server to notice', 20_000, async () => (await ready()).status === 503)
    expect((await ready()).reason).toMatch(/^the store cannot be written to: ./)
    const there = await stored()
    expect(there.length).toBeGreaterThan(500)
    await engine.docker(['wait', 'ledger'])
    expect((await stored()).length).toBeGreaterThanOrEqual(there.length)
    await disk.heal()
    await expectAll()
    expect(await ready()).toMatchObject({ status: 200 })
    expect(server.child.exitCode).toBeNull()
    expect(await server.end('SIGTERM')).toBe(0)
  })
})

it('that is full lets the server start, and answer', { timeout: 120_000 }, async () => {
  disk = await smallDisk(root, SERVER_MB)
  const before = await startServer(disk.dir)
  const agent = await startAgent(join(root, 'state'))
  await print()
  await engine.docker(['wait', 'ledger'])
  await expectAll()
  await before.end('SIGKILL')
  await disk.fail()
  await startServer(disk.dir)
  await expectAll()
  await engine.docker(['rm', '-f', 'ledger'])
  await print()
  await eventually('the server to notice', 30_000, async () => (await ready()).status === 503)
  await disk.heal()
  await eventually('the server to recover', 30_000, async () => (await ready()).status === 200)
  expect(await agent.end('SIGTERM')).toBe(0)
})

function startServer(data: string, env: NodeJS.ProcessEnv = {}): Promise<Program> {
  return startProgram(['server', '--data', data, '--listen', HTTP, '--forward', FORWARD, '--insecure'], env)
}

function startAgent(state: string, env: NodeJS.ProcessEnv = {}): Promise<Program> {
  const flags = ['--docker', engine.host, '--server', FORWARD, '--state', state, '--stop-grace', '8s']
  return startProgram(['agent', ...flags], { SWARMLOGS_NODE_NAME: 'disk', ...env })
}

async function print(): Promise<void> {
  const script = printer('ledger', LINES, 10)
  await engine.docker(['run', '-d', '--name', 'ledger', '--network', 'none', 'lab/busybox:1', 'sh', '-c', script])
}

/** What a program said last, and how it ended, tells most of why a test failed. */
function tellIfFailed({ child, stderr }: Program): void {
  onTestFailed(() => console.error('exit', child.exitCode, child.signalCode, stderr().slice(-4000)))
}

async function stored(): Promise<string[]> {
  const question = ['search', '--container', 'ledger', '-o', 'json', '-n', 'all', '--since', '1d']
  const answer = await swarmlogs(question, { env: { SWARMLOGS_URL: `http://${HTTP}` } })
  return answer.stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).message]))
}

async function expectAll(): Promise<void> {
  await eventually('all lines', 60_000, async () => (await stored()).length >= 2 * LINES)
  expect(judge('ledger', LINES, await stored())).toEqual(exact)
}

async function ready(): Promise<{ status: number; reason?: string }> {
  const response = await fetch(`http://${HTTP}/readyz`)
  return { ...((await response.json()) as { reason?: string }), status: response.status }
}

function cpuSeconds(program: Program): number {
  const { pid = 0 } = program.child
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
