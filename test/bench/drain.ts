// (a) Draining one container of a million lines, agent to a sink that only acks, against `curl` on the same socket: at least 0.8 of its rate.
import { join } from 'node:path'
import { startEngine } from '../lab/engine.ts'
import { startProgram } from '../lab/program.ts'
import { report, side, wallTime, withFolder } from './measure.ts'
import { NullSink } from './null-sink.ts'
import { chatty } from './printers.ts'

const LINES = 1_000_000
const ROUNDS = 3

const engine = await startEngine({ name: 'bench' })
const id = await chatty(engine, 'web', LINES)
const socket = engine.host.replace('unix://', '')
const logs = `http://d/containers/${id}/logs?stdout=1&stderr=1&timestamps=1`
const sink = new NullSink()
await sink.listen()
const best = await side(ROUNDS, drain, () => wallTime('curl', ['-s', '--unix-socket', socket, logs]))
sink.close()
await engine.stop()
const rate = (ms: number) => `${(LINES / ms).toFixed(0)} k lines/s`
report(
  'agent to null sink / curl, as a rate',
  `${(best.theirs / best.ours).toFixed(2)} (${rate(best.ours)} / ${rate(best.theirs)})`,
  'at least 0.8',
)

/** Milliseconds from the start of the process, everything loaded anew, to the ack of the last line. */
function drain(): Promise<number> {
  return withFolder(async (folder) => {
    const started = performance.now()
    const received = sink.receive(LINES)
    const flags = ['--docker', engine.host, '--server', sink.address, '--state', join(folder, 'state')]
    const agent = await startProgram(['agent', ...flags])
    await received
    const took = performance.now() - started
    await agent.end('SIGTERM')
    return took
  })
}
