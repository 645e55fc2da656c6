// (f) Resident memory, the median over a minute after warming up: the agent at 5 k lines/s over 50 containers, under 120 MB;
// the server with 10 M lines, also during a regex-like scan over all of them, under 500 MB. Usage: memory.ts [WARM-UP SECONDS, 300]
import { startEngine } from '../lab/engine.ts'
import { startProgram, swarmlogs } from '../lab/program.ts'
import { fill } from './fill.ts'
import { quantile, report, residentMb, withFolder } from './measure.ts'

const warmUpMs = Number(process.argv[2] ?? 300) * 1000
const listen = '127.0.0.1:14380'
const forward = '127.0.0.1:14324'

await withFolder(async (folder) => {
  const engine = await startEngine({ name: 'bench' })
  const server = await startProgram([
    ...['server', '--data', `${folder}/data`, '--listen', listen, '--forward', forward, '--insecure'],
  ])
  const agent = await startProgram([
    ...['agent', '--docker', engine.host, '--server', forward, '--state', `${folder}/state`, '--insecure'],
  ])
  const print =
    'while :; do i=0; while [ $i -lt 10 ]; do echo "$i GET /api/v1/orders/4711 HTTP/1.1 200 5123 0.042 upstream=10.0.3.17"; i=$((i+1)); done; usleep 100000; done'
  for (let i = 0; i < 50; i++)
    await engine.docker(['run', '-d', '--name', `p${i}`, '--network', 'none', 'lab/busybox:1', 'sh', '-c', print])
  await pause(warmUpMs)
  report(
    'agent at 5 k lines/s over 50 containers',
    `${(await medianMb(agent.child.pid, 60_000)).toFixed(0)} MB`,
    'under 120 MB',
  )
  await agent.end('SIGTERM')
  await engine.stop()
  await fill(forward, { containers: 30, lines: 10_000_000 })
  report('server with 10 M lines, idle', `${(await medianMb(server.child.pid, 60_000)).toFixed(0)} MB`, 'under 500 MB')
  const scan = swarmlogs(['search', 'no line has this in it', '--since', '1d'], {
    env: { SWARMLOGS_URL: `http://${listen}` },
  })
  report(
    'server during a scan of them all',
    `${(await medianMb(server.child.pid, 2_000)).toFixed(0)} MB`,
    'under 500 MB',
  )
  await scan
  await server.end('SIGTERM')
})

async function medianMb(pid: number | undefined, forMs: number): Promise<number> {
  const samples: number[] = []
  for (let waited = 0; waited < forMs; waited += 100) {
    samples.push(await residentMb(pid ?? 0))
    await pause(100)
  }
  return quantile(samples, 0.5)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
