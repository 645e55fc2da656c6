// The agent at 5 k lines/s over 50 containers while the server is away: resident memory, under 120 MB. Then its restart with a large spool:
// sending again within 5 s, at most 64 MB more. Usage: outage.ts [SECONDS AWAY, 600] [MiB OF SPOOL AT THE RESTART, 1024]
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { openStateDir } from '../../agent/spool/state-dir.ts'
import { Spool } from '../../agent/spool.ts'
import { packOption } from '../../shared/forward/encode.ts'
import { streamOf } from '../agent/chunks.ts'
import { startEngine } from '../lab/engine.ts'
import { type Program, startProgram } from '../lab/program.ts'
import { quantile, report, residentMb, withFolder } from './measure.ts'
import { NullSink } from './null-sink.ts'

const awayMs = Number(process.argv[2] ?? 600) * 1000
const spoolBytes = Number(process.argv[3] ?? 1024) * 2 ** 20
const AWAY = '127.0.0.1:9'
const CHUNK_BYTES = 200_000
const SAMPLE_MS = 250
/** Memory is watched for so long after the restart. */
const DRAIN_MS = 10_000

const engine = await startEngine({ name: 'bench' })
try {
  await withFolder(async (folder) => {
    await print()
    const state = join(folder, 'state')
    const before = await startAgent(state, AWAY)
    report('agent while the server is away, median', `${(await memory(before, awayMs)).median} MB`, 'under 120 MB')
    await before.end('SIGKILL')
    const base = await startAgent(join(folder, 'empty'), AWAY)
    const { median } = await memory(base, DRAIN_MS)
    await base.end('SIGKILL')
    await fill(state)
    await restart(state, median)
  })
} finally {
  await engine.stop()
}

async function restart(state: string, baseMb: number): Promise<void> {
  const sink = new NullSink()
  await sink.listen()
  const started = performance.now()
  const first = sink.receive(1)
  const agent = await startAgent(state, sink.address)
  await first
  report('from the start to the first chunk', `${((performance.now() - started) / 1000).toFixed(1)} s`, 'within 5 s')
  const { peak } = await memory(agent, DRAIN_MS)
  report('memory while it drains, over that of an empty spool', `${peak - baseMb} MB`, 'at most 64 MB')
  await agent.end('SIGKILL')
  sink.close()
}

/** Adds chunks until the spool has its size. */
async function fill(state: string): Promise<void> {
  await mkdir(state, { recursive: true })
  openStateDir(state)
  const spool = new Spool({ dir: state, maxBytes: spoolBytes * 2, log: pino({ level: 'silent' }) })
  const { signal } = new AbortController()
  const option = packOption({ format: 1, streams: [streamOf('c1')] })
  for (let n = 0; spool.bytes < spoolBytes; n++) {
    const body = randomBytes(CHUNK_BYTES)
    await spool.append(
      { id: `fill${n}`, records: 1000, body, option, containers: ['c1'], checkpoints: new Map() },
      signal,
    )
  }
  spool.close()
}

async function print(): Promise<void> {
  const script =
    'while :; do i=0; while [ $i -lt 10 ]; do echo "$i GET /api/v1/orders/4711 HTTP/1.1 200 5123 0.042 upstream=10.0.3.17"; i=$((i+1)); done; usleep 100000; done'
  for (let i = 0; i < 50; i++)
    await engine.docker(['run', '-d', '--name', `p${i}`, '--network', 'none', 'lab/busybox:1', 'sh', '-c', script])
}

function startAgent(state: string, server: string): Promise<Program> {
  return startProgram(['agent', '--docker', engine.host, '--server', server, '--state', state, '--spool-size', '8GiB'])
}

/** Median and peak of resident memory, in MB. */
async function memory({ child }: Program, forMs: number): Promise<{ median: number; peak: number }> {
  const samples: number[] = []
  for (let waited = 0; waited < forMs; waited += SAMPLE_MS) {
    samples.push(await residentMb(child.pid ?? 0))
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS))
  }
  return { median: Math.round(quantile(samples, 0.5)), peak: Math.round(quantile(samples, 1)) }
}
