import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Engine, startEngine } from '../lab/engine.ts'
import { exact, judge, printer } from '../lab/ledger.ts'
import { eventually, killPrograms, type Program, startProgram, swarmlogs } from '../lab/program.ts'
import { Random } from './rig/random.ts'

const KILLS = 50
const CONTAINERS = 3
const LINES = 20_000
const HTTP = '127.0.0.1:14280'
const FORWARD = '127.0.0.1:14224'
/** To replay a run: SWARMLOGS_SEED=N. */
const SEED = Number(process.env.SWARMLOGS_SEED ?? Math.floor(Math.random() * 2 ** 31))
const random = new Random(SEED)
const NAMES = Array.from({ length: CONTAINERS }, (_, i) => `ledger${i}`)

let engine: Engine
let folder: string

beforeAll(async () => {
  engine = await startEngine({ name: 'kills' })
  folder = await mkdtemp(join(tmpdir(), 'swarmlogs-kills-'))
})

afterAll(async () => {
  killPrograms()
  await engine?.stop()
  if (folder) await rm(folder, { recursive: true, force: true })
})

function startServer(data: string): Promise<Program> {
  return startProgram(['server', '--data', join(folder, data), '--listen', HTTP, '--forward', FORWARD, '--insecure'])
}

function startAgent(state: string): Promise<Program> {
  return startProgram(
    ['agent', '--docker', engine.host, '--server', FORWARD, '--state', join(folder, state), '--insecure'],
    { SWARMLOGS_NODE_NAME: 'kills' },
  )
}

/** Starts the printers: each needs about as long as the kills do, so that every kill falls into the middle of writing. */
async function startPrinters(): Promise<void> {
  for (const name of NAMES)
    await engine.docker([
      'run',
      '-d',
      '--name',
      name,
      '--network',
      'none',
      'lab/busybox:1',
      'sh',
      '-c',
      printer(name, LINES, 20),
    ])
}

/** The stored messages of one printer, in the order of the answer. */
async function stored(name: string): Promise<string[]> {
  const answer = await swarmlogs(['search', '--container', name, '-o', 'json', '-n', 'all', '--since', '1d'], {
    env: { SWARMLOGS_URL: `http://${HTTP}` },
  })
  return answer.stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).message]))
}

async function expectExactLedger(): Promise<void> {
  for (const name of NAMES) {
    await engine.docker(['wait', name])
    await eventually(
      `all lines of ${name} (seed ${SEED})`,
      60_000,
      async () => (await stored(name)).length >= 2 * LINES,
    )
    expect(judge(name, LINES, await stored(name)), `seed ${SEED}`).toEqual(exact)
  }
}

async function removePrinters(): Promise<void> {
  await engine.docker(['rm', '-f', ...NAMES])
}

describe('kill -9 in the middle of writing', () => {
  it(`of the server, ${KILLS} times, leaves an exact ledger`, { timeout: 300_000 }, async () => {
    let server = await startServer('server-kills')
    const agent = await startAgent('server-kills-state')
    await startPrinters()
    for (let kill = 0; kill < KILLS; kill++) {
      await delay(random.between(50, 450))
      await server.end('SIGKILL')
      server = await startServer('server-kills')
    }
    await expectExactLedger()
    expect(await agent.end('SIGTERM')).toBe(0)
    expect(await server.end('SIGTERM')).toBe(0)
    await removePrinters()
  })

  it(`of the agent, ${KILLS} times, leaves an exact ledger`, { timeout: 300_000 }, async () => {
    const server = await startServer('agent-kills')
    let agent = await startAgent('agent-kills-state')
    await startPrinters()
    for (let kill = 0; kill < KILLS; kill++) {
      await delay(random.between(50, 450))
      await agent.end('SIGKILL')
      agent = await startAgent('agent-kills-state')
    }
    await expectExactLedger()
    expect(await agent.end('SIGTERM')).toBe(0)
    expect(await server.end('SIGTERM')).toBe(0)
    await removePrinters()
  })
})
