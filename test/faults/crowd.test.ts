import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { zstdCompressSync } from 'node:zlib'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SealedChunk } from '../../agent/chunk.ts'
import { Forwarder } from '../../agent/forwarder.ts'
import { Spool } from '../../agent/spool.ts'
import { STRANGERS_PER_ADDRESS } from '../../server/input/forward/limits.ts'
import { packOption } from '../../shared/forward/encode.ts'
import { EntryPacker } from '../../shared/forward/entries.ts'
import { streamOf } from '../agent/chunks.ts'
import { eventually, killPrograms, type Program, startProgram } from '../lab/program.ts'

const AGENTS = 200
/** Of each agent: sent before the server is killed, on their way when it is, and spooled while it is away. */
const CHUNKS = { before: 1, during: 4, away: 5 } as const
const LINES = 200
const HTTP = '127.0.0.1:15280'
const FORWARD = { host: '127.0.0.1', port: 15224 }
const AWAY_MS = 9_000
/** Waits double from 0.2 s, each shortened by up to half: so many tries fit into the time at most. */
const TRIES = 7
/** With waits of seconds nobody comes together with a third of all others. */
const MOST_IN_100_MS = AGENTS / 3
/** Strangers are let go after 10 s, the longest wait between two tries is as long; then all ship their lines, on a busy machine. */
const WITHIN_MS = 60_000
/** What comes in at once costs memory: as many lines of 10 agents grow it by 260 MB, of 200 by 340. */
const MAX_GROWTH_MB = 450

const silent = pino({ level: 'silent' })
let root: string
const spools: Spool[] = []
const stop = new AbortController()
let running: Promise<unknown> = Promise.resolve()

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'swarmlogs-crowd-'))
  writeFileSync(join(root, 'key'), 'secret')
})
afterAll(async () => {
  stop.abort()
  await running
  killPrograms()
  for (const spool of spools) spool.close()
  await rm(root, { recursive: true, force: true })
})

it(`${AGENTS} agents whose server is killed come back by and by, get in beside as many strangers, and ship each line once`, {
  timeout: 180_000,
}, async () => {
  const forwarders = await Promise.all(Array.from({ length: AGENTS }, (_, n) => agent(n)))
  running = Promise.all(forwarders.map((forwarder) => forwarder.run(stop.signal)))
  const areConnected = () => forwarders.every(({ status }) => status.connected)
  const first = await startServer()
  await append(0, CHUNKS.before)
  await eventually('all to be connected', WITHIN_MS, async () => areConnected() && areEmpty())
  const acks = () => forwarders.reduce((sum, { status }) => sum + status.ackedChunks, 0)
  const appended = append(CHUNKS.before, CHUNKS.during)
  await eventually('further acks', WITHIN_MS, async () => acks() > AGENTS * CHUNKS.before)
  await first.end('SIGKILL')
  const [knocks] = await Promise.all([knocksUntilBack(), appended])
  expect(knocks.length).toBeLessThanOrEqual(TRIES * AGENTS)
  expect(mostIn100Ms(knocks.filter((at) => at > AWAY_MS / 3))).toBeLessThan(MOST_IN_100_MS)
  await append(CHUNKS.before + CHUNKS.during, CHUNKS.away)
  const server = await startServer()
  const idleMb = memoryMb(server.child.pid, 'VmRSS')
  const started = performance.now()
  expect(await strangersLetIn()).toBeLessThanOrEqual(STRANGERS_PER_ADDRESS)
  await eventually('all spools to be empty', WITHIN_MS, async () => areEmpty())
  const seconds = (performance.now() - started) / 1000
  const peakMb = memoryMb(server.child.pid, 'VmHWM')
  process.stdout.write(
    `${AGENTS} agents tried ${knocks.length} times in ${AWAY_MS / 1000} s and were through in ${seconds.toFixed(1)} s, server ${idleMb} MB, then ${peakMb} MB at most\n`,
  )
  expect(await stored()).toEqual(Array(AGENTS).fill((CHUNKS.before + CHUNKS.during + CHUNKS.away) * LINES))
  expect(peakMb - idleMb).toBeLessThan(MAX_GROWTH_MB)
  expect(areConnected()).toBe(true)
})

function startServer(): Promise<Program> {
  const address = `${FORWARD.host}:${FORWARD.port}`
  const flags = ['--listen', HTTP, '--forward', address, '--shared-key-file', join(root, 'key')]
  return startProgram(['server', '--data', join(root, 'data'), ...flags])
}

async function agent(n: number): Promise<Forwarder> {
  const spool = new Spool({ dir: await mkdtemp(join(root, 'agent-')), maxBytes: 1 << 30, log: silent })
  spools.push(spool)
  const hello = () => ({ format: 1, version: '1', nodeId: `node${n}`, nodeName: `node${n}` })
  return new Forwarder({ server: FORWARD, sharedKeys: () => ['secret'], hello, spool, onStore: () => {}, log: silent })
}

/** Gives each agent so many chunks more. */
async function append(from: number, count: number): Promise<void> {
  for (let chunk = from; chunk < from + count; chunk++)
    await Promise.all(spools.map((spool, n) => spool.append(chunkOf(n, chunk), stop.signal)))
}

function areEmpty(): boolean {
  return spools.every(({ size }) => size === 0)
}

function chunkOf(n: number, chunk: number): SealedChunk {
  const packer = new EntryPacker(1 << 16)
  const seconds = Math.floor(Date.now() / 1000) - 60 + chunk
  for (let line = 0; line < LINES; line++) {
    const message = Buffer.from(
      `agent ${n} chunk ${chunk} line ${line} GET /api/v1/orders/4711 HTTP/1.1 200 5123 0.042`,
    )
    const rest = { source: 'stdout', ordinal: 0, cutFrom: 0, headMissing: false } as const
    packer.add({ ...rest, seconds, nanos: line, message }, 0)
  }
  const container = String(n).padStart(64, '0')
  return {
    ...{ id: `${n}-${chunk}`, records: LINES, containers: [container], checkpoints: new Map() },
    body: zstdCompressSync(packer.bytes()),
    option: packOption({ format: 1, streams: [streamOf(container)] }),
  }
}

/** Stands where the server was and lets nobody in; answers when they came, ms. */
async function knocksUntilBack(): Promise<number[]> {
  const began = performance.now()
  const times: number[] = []
  const door = createServer((socket) => {
    times.push(performance.now() - began)
    socket.on('error', () => {}).destroy()
  })
  door.listen(FORWARD)
  await delay(AWAY_MS)
  await once(door.close(), 'close')
  return times
}

/** The most of the times, which are in order, that are within 100 ms. */
function mostIn100Ms(times: readonly number[]): number {
  return Math.max(0, ...times.map((at, i) => times.slice(i).filter((later) => later < at + 100).length))
}

/** As many as there are agents come at once, from the same address, and say nothing; how many of them are let in. */
async function strangersLetIn(): Promise<number> {
  let turnedAway = 0
  const strangers = Array.from({ length: AGENTS }, (): Socket => {
    const socket = connect(FORWARD).resume()
    return socket.on('error', () => {}).on('close', () => void turnedAway++)
  })
  await Promise.all(strangers.map((socket) => once(socket, 'connect')))
  await delay(3_000)
  return AGENTS - turnedAway
}

/** How many lines each agent's container has. */
async function stored(): Promise<number[]> {
  const { streams } = (await (await fetch(`http://${HTTP}/api/v1/streams`)).json()) as {
    streams: { records: number }[]
  }
  return streams.map(({ records }) => records)
}

function memoryMb(pid: number | undefined, what: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)?.[1]) / 1024)
}
