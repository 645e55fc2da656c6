// (f) Resident memory, median and most: the agent at 5 k lines/s over 50 containers, after five minutes, under 120 MB; the server with
// 10 M lines, idle, while all of them are scanned and while all of them are read out, under 500 MB.
// Usage: memory.ts [agent|server] [WARM-UP SECONDS, 300]
import { startEngine } from '../lab/engine.ts'
import { startProgram, swarmlogs } from '../lab/program.ts'
import { fill } from './fill.ts'
import { quantile, report, residentMb, wallTime, withFolder } from './measure.ts'

const CONTAINERS = 50
const LINES = 10_000_000
const MEASURE_MS = 60_000
const PRINT =
  'while :; do i=0; while [ $i -lt 10 ]; do echo "$i GET /api/v1/orders/4711 HTTP/1.1 200 5123 0.042 upstream=10.0.3.17"; i=$((i+1)); done; usleep 100000; done'

const [part = 'both', warmUp = '300'] = process.argv.slice(2)
if (part !== 'server') await withFolder(measureAgent)
if (part !== 'agent') await withFolder(measureServer)

async function measureAgent(folder: string): Promise<void> {
  const engine = await startEngine({ name: 'bench' })
  const server = await startServer(folder)
  const agent = await startProgram([
    ...['agent', '--docker', engine.host, '--server', server.forward, '--state', `${folder}/state`, '--insecure'],
  ])
  for (let i = 0; i < CONTAINERS; i++)
    await engine.docker(['run', '-d', '--name', `p${i}`, '--network', 'none', 'lab/busybox:1', 'sh', '-c', PRINT])
  await pause(Number(warmUp) * 1000)
  say('agent at 5 k lines/s over 50 containers', await during(agent.child.pid, pause(MEASURE_MS)), 120)
  await agent.end('SIGTERM')
  await server.program.end('SIGTERM')
  await engine.stop()
}

async function measureServer(folder: string): Promise<void> {
  const { program, url, forward } = await startServer(folder)
  const { pid } = program.child
  say('server while it takes in 10 M lines', await during(pid, fill(forward, { containers: 30, lines: LINES })), 500)
  say('server with 10 M lines, idle', await during(pid, pause(MEASURE_MS)), 500)
  const env = { SWARMLOGS_URL: url }
  const scan = swarmlogs(['search', 'no line has this in it', '--since', '1d'], { env })
  say('server while all of them are scanned', await during(pid, scan), 500)
  const read = (accept: string) =>
    wallTime('curl', ['-sf', '-H', `accept: ${accept}`, `${url}/api/v1/search?since=1d`, '-o', '/dev/null'])
  for (const accept of ['text/plain', 'application/x-ndjson'])
    say(`server while all of them are read as ${accept}`, await during(pid, read(accept)), 500)
  await program.end('SIGTERM')
}

async function startServer(folder: string) {
  const [listen, forward] = ['127.0.0.1:14380', '127.0.0.1:14324']
  const args = ['server', '--data', `${folder}/data`, '--listen', listen, '--forward', forward, '--insecure']
  return { program: await startProgram(args), url: `http://${listen}`, forward }
}

/** Resident memory of a process, every 100 ms, until the work is done. */
async function during(pid: number | undefined, work: Promise<unknown>): Promise<readonly number[]> {
  const samples: number[] = []
  let isDone = false
  const done = work.finally(() => {
    isDone = true
  })
  while (!isDone) {
    samples.push(await residentMb(pid ?? 0))
    await Promise.race([done, pause(100)])
  }
  await done
  return samples
}

function say(what: string, samples: readonly number[], wantedMb: number): void {
  const most = Math.max(...samples).toFixed(0)
  report(what, `${quantile(samples, 0.5).toFixed(0)} MB, at most ${most} MB`, `under ${wantedMb} MB`)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
