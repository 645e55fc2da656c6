// (b) The whole path, container log to embedded store, on the same cores, against `curl` of the same log: at least 0.5 of its rate.
import { startEngine } from '../lab/engine.ts'
import { eventually, startProgram, swarmlogs } from '../lab/program.ts'
import { report, side, wallTime, withFolder } from './measure.ts'
import { chatty } from './printers.ts'

const LINES = 1_000_000
const listen = '127.0.0.1:14380'
const forward = '127.0.0.1:14324'
const url = `http://${listen}`

const engine = await startEngine({ name: 'bench' })
const id = await chatty(engine, 'web', LINES)
const socket = engine.host.replace('unix://', '')
const logs = `http://d/containers/${id}/logs?stdout=1&stderr=1&timestamps=1`
const best = await side(
  3,
  () =>
    withFolder(async (folder) => {
      const started = performance.now()
      const up = await startProgram([
        ...['up', '--docker', engine.host, '--data', folder, '--listen', listen, '--forward', forward, '--insecure'],
      ])
      await eventually('all lines stored', 300_000, async () => {
        const { stdout } = await swarmlogs(['services', '-o', 'json'], { env: { SWARMLOGS_URL: url } })
        return stdout.includes(`"records":${LINES}`)
      })
      const took = performance.now() - started
      await up.end('SIGTERM')
      return took
    }),
  () => wallTime('curl', ['-s', '--unix-socket', socket, logs]),
)
await engine.stop()
report(
  'whole path / curl, as a rate',
  `${(best.theirs / best.ours).toFixed(2)} (${(LINES / best.ours).toFixed(0)} k lines/s / ${(LINES / best.theirs).toFixed(0)} k lines/s)`,
  'at least 0.5',
)
