// From sending a chunk to its ack, which says that the embedded store has it durably, at 5 k lines/s: p99 under 1 s. Usage: acks.ts [SECONDS, 60]
import { join } from 'node:path'
import { setInterval } from 'node:timers/promises'
import { pino } from 'pino'
import { Forwarder } from '../../agent/forwarder.ts'
import { openStateDir } from '../../agent/spool/state-dir.ts'
import { Spool } from '../../agent/spool.ts'
import { chunkOf } from '../faults/rig/flood.ts'
import { startProgram } from '../lab/program.ts'
import { quantile, report, withFolder } from './measure.ts'

const seconds = Number(process.argv[2] ?? 60)
const LINES = 500
const EVERY_MS = 100
const HTTP = '127.0.0.1:14380'
const PORT = 14324

/** Takes the time from when a chunk is sent to when it is acked. */
class TimedSpool extends Spool {
  readonly tookMs: number[] = []
  readonly #sent = new Map<number, number>()

  override sending(seq: number): void {
    this.#sent.set(seq, performance.now())
    super.sending(seq)
  }

  override remove(seq: number): void {
    this.tookMs.push(performance.now() - (this.#sent.get(seq) ?? Number.NaN))
    super.remove(seq)
  }
}

await withFolder(async (folder) => {
  const data = ['--data', join(folder, 'data'), '--listen', HTTP, '--forward', `127.0.0.1:${PORT}`]
  const server = await startProgram(['server', ...data, '--insecure'])
  const dir = join(folder, 'state')
  openStateDir(dir)
  const log = pino({ level: 'silent' })
  const spool = new TimedSpool({ dir, maxBytes: 2 ** 30, log })
  const hello = () => ({ format: 1, version: '1', nodeId: 'bench', nodeName: 'bench' })
  const stop = new AbortController()
  const forwarder = new Forwarder({ server: { host: '127.0.0.1', port: PORT }, hello, spool, onStore: () => {}, log })
  const shipping = forwarder.run(stop.signal)
  let chunks = 0
  for await (const _ of setInterval(EVERY_MS)) {
    if (chunks === (seconds * 1000) / EVERY_MS) break
    await spool.append(chunkOf(chunks++, LINES), stop.signal)
  }
  while (spool.size > 0) await spool.changed.wait()
  stop.abort()
  await shipping
  await server.end('SIGTERM')
  const [half, most] = [0.5, 0.99].map((share) => quantile(spool.tookMs, share).toFixed(0))
  report(`from a chunk of ${LINES} lines to its ack`, `median ${half} ms, p99 ${most} ms`, 'p99 under 1 s')
  spool.close()
})
