// (e) From a container's write to the line printed by `tail -f`: median under 80 ms, p99 under 300 ms.
import { spawn } from 'node:child_process'
import split2 from 'split2'
import { startEngine } from '../lab/engine.ts'
import { startProgram } from '../lab/program.ts'
import { quantile, report, withFolder } from './measure.ts'

const LINES = 600
const listen = '127.0.0.1:14380'
const forward = '127.0.0.1:14324'

await withFolder(async (folder) => {
  const engine = await startEngine({ name: 'bench' })
  const up = await startProgram([
    ...['up', '--docker', engine.host, '--data', folder, '--listen', listen, '--forward', forward, '--insecure'],
  ])
  const tail = spawn(process.execPath, ['dist/cli/main.js', 'tail', '-f', '-n', '0', '--raw', 'clock'], {
    env: { ...process.env, SWARMLOGS_URL: `http://${listen}` },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  // The shell prints its own clock (nanoseconds) just before it writes, 20 lines a second; both ends read the same machine's clock.
  const clock = `i=0; while [ $i -lt ${LINES} ]; do cat /proc/uptime; usleep 50000; i=$((i + 1)); done`
  await engine.docker([
    'run',
    '-d',
    '--name',
    'clock',
    '--network',
    'none',
    'lab/busybox:1',
    'sh',
    '-c',
    `sleep 2; ${clock}`,
  ])
  const delays: number[] = []
  for await (const line of tail.stdout.pipe(split2())) {
    const written = Number(String(line).split(' ')[0]) * 1000
    delays.push(uptimeMs() - written)
    if (delays.length === LINES) break
  }
  tail.kill('SIGINT')
  await up.end('SIGTERM')
  await engine.stop()
  report(
    'write to tail -f',
    `median ${quantile(delays, 0.5).toFixed(0)} ms, p99 ${quantile(delays, 0.99).toFixed(0)} ms`,
    'median under 80 ms, p99 under 300 ms; the clock of the writer counts hundredths of a second',
  )
})

/** Milliseconds since the machine started: CLOCK_BOOTTIME and CLOCK_MONOTONIC agree where nothing suspends. */
function uptimeMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}
