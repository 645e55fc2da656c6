// (c) `swarmlogs logs` of 600 k lines over three nodes, as `node dist/cli/main.js`, against `docker service logs`: at least 5 times as fast.
import { deployStack } from '../lab/deploy.ts'
import { eventually, swarmlogs } from '../lab/program.ts'
import { startSwarm } from '../lab/swarm.ts'
import { report, side, wallTime } from './measure.ts'

const TASKS = 3
const LINES = 200_000

const swarm = await startSwarm({ nodes: 3, engines: ['20', '26', '26'] })
try {
  const { url, token } = await deployStack(swarm)
  const env = { SWARMLOGS_URL: url, SWARMLOGS_TOKEN: token }
  const print = `awk 'BEGIN { for (i = 0; i < ${LINES}; i++) printf "GET /api/v1/orders/%.0f HTTP/1.1 200 5123 Mozilla/5.0 upstream=10.0.3.17 0.042\\n", i }'; sleep 100000`
  await swarm.docker(1, [
    ...['service', 'create', '-d', '--name', 'loud', '--network', 'host', '--replicas', String(TASKS)],
    ...['--replicas-max-per-node', '1', 'lab/busybox:1', 'sh', '-c', print],
  ])
  await eventually('all lines stored', 300_000, async () =>
    (await swarmlogs(['services', '-o', 'json'], { env })).stdout.includes(`"records":${TASKS * LINES}`),
  )
  const best = await side(
    3,
    () => wallTime(process.execPath, ['dist/cli/main.js', 'logs', 'loud'], env),
    () => wallTime('docker', ['-H', swarm.host(1), 'service', 'logs', 'loud']),
  )
  report(
    'logs of 600 k lines, docker service logs / swarmlogs logs, wall time',
    `${(best.theirs / best.ours).toFixed(1)} (${best.theirs.toFixed(0)} ms / ${best.ours.toFixed(0)} ms)`,
    'at least 5',
  )
} finally {
  await swarm.down()
}
