// (b) The whole path, container log to embedded store by an agent and a server, on the same cores, against `curl` of the same log:
// at least 0.5 of its rate.
import { join } from 'node:path'
import { startEngine } from '../lab/engine.ts'
import { eventually, startProgram } from '../lab/program.ts'
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
const best = await side(3, store, () => wallTime('curl', ['-s', '--unix-socket', socket, logs]))
await engine.stop()
report(
  'whole path / curl, as a rate',
  `${(best.theirs / best.ours).toFixed(2)} (${(LINES / best.ours).toFixed(0)} k lines/s / ${(LINES / best.theirs).toFixed(0)} k lines/s)`,
  'at least 0.5',
)

/** Milliseconds from the start of both processes to when the last line is stored. */
function store(): Promise<number> {
  return withFolder(async (folder) => {
    const started = performance.now()
    const addresses = ['--listen', listen, '--forward', forward]
    const server = await startProgram(['server', '--data', join(folder, 'data'), ...addresses])
    const flags = ['--docker', engine.host, '--server', forward, '--state', join(folder, 'state')]
    const agent = await startProgram(['agent', ...flags])
    await eventually('all lines stored', 300_000, async () => {
      const { services } = (await (await fetch(`${url}/api/v1/services`)).json()) as { services: { records: number }[] }
      return services[0]?.records === LINES
    })
    const took = performance.now() - started
    await agent.end('SIGTERM')
    await server.end('SIGTERM')
    return took
  })
}
