import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SealedChunk } from '../../agent/chunk.ts'
import { Forwarder } from '../../agent/forwarder.ts'
import { Spool } from '../../agent/spool.ts'
import { packOption } from '../../shared/forward/encode.ts'
import { EntryPacker } from '../../shared/forward/entries.ts'
import { streamOf } from '../agent/chunks.ts'
import { eventually, killPrograms, startProgram } from '../lab/program.ts'

const AGENTS = 200
const CHUNKS = 10
const LINES = 200
const HTTP = '127.0.0.1:15280'
const FORWARD = { host: '127.0.0.1', port: 15224 }
/** The longest wait between two tries is 10 s; then all have to get in and ship 400,000 lines, on a busy machine. */
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
})
afterAll(async () => {
  stop.abort()
  await running
  killPrograms()
  for (const spool of spools) spool.close()
  await rm(root, { recursive: true, force: true })
})

it(`${AGENTS} agents that come back at once all get through, and the server's memory stays flat`, {
  timeout: 120_000,
}, async () => {
  const key = join(root, 'key')
  writeFileSync(key, 'secret')
  const forwarders = await Promise.all(Array.from({ length: AGENTS }, (_, n) => agent(n)))
  running = Promise.all(forwarders.map((forwarder) => forwarder.run(stop.signal)))
  // By now all have failed to connect, and wait.
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  const address = `${FORWARD.host}:${FORWARD.port}`
  const flags = ['--data', join(root, 'data'), '--listen', HTTP, '--forward', address, '--shared-key-file', key]
  const server = await startProgram(['server', ...flags])
  const idleMb = memoryMb(server.child.pid, 'VmRSS')
  const started = performance.now()
  await eventually('all spools to be empty', WITHIN_MS, async () => spools.every(({ size }) => size === 0))
  const seconds = (performance.now() - started) / 1000
  const peakMb = memoryMb(server.child.pid, 'VmHWM')
  process.stdout.write(`${AGENTS} agents in ${seconds.toFixed(1)} s, server ${idleMb} MB, then ${peakMb} MB at most\n`)
  expect(await stored()).toBe(AGENTS * CHUNKS * LINES)
  expect(peakMb - idleMb).toBeLessThan(MAX_GROWTH_MB)
  expect(forwarders.every(({ status }) => status.connected)).toBe(true)
})

async function agent(n: number): Promise<Forwarder> {
  const spool = new Spool({ dir: await mkdtemp(join(root, 'agent-')), maxBytes: 1 << 30, log: silent })
  spools.push(spool)
  for (let chunk = 0; chunk < CHUNKS; chunk++) await spool.append(chunkOf(n, chunk), stop.signal)
  const hello = () => ({ format: 1, version: '1', nodeId: `node${n}`, nodeName: `node${n}` })
  return new Forwarder({ server: FORWARD, sharedKeys: () => ['secret'], hello, spool, onStore: () => {}, log: silent })
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

async function stored(): Promise<number> {
  const { services } = (await (await fetch(`http://${HTTP}/api/v1/services`)).json()) as {
    services: { records: number }[]
  }
  return services.reduce((sum, { records }) => sum + records, 0)
}

function memoryMb(pid: number | undefined, what: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)?.[1]) / 1024)
}
