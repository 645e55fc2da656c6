import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { Forwarder } from '../../../agent/forwarder.ts'
import { Spool } from '../../../agent/spool.ts'
import { chunkOf, silent, temporaryDir } from '../chunks.ts'
import { ack, startReceiver } from './receiver.ts'

const BACKLOG = 1_000
const CHUNK_BYTES = 200_000
/** The server acks so many chunks a second at most: 40 MB/s. */
const ACK_EVERY_MS = 5
const FRESH_EVERY_MS = 100
const LAG_MS = 1_500

it('fresh lines arrive within a bound while 200 MB of backlog drain into a slow server, oldest first', {
  timeout: 60_000,
}, async () => {
  const stop = new AbortController()
  const { signal } = stop
  const spool = new Spool({ dir: temporaryDir(), maxBytes: 1 << 30, log: silent })
  onTestFinished(() => spool.close())
  const body = randomBytes(CHUNK_BYTES)
  for (let n = 0; n < BACKLOG; n++) await spool.append({ ...chunkOf(`backlog ${n}`, ['x']), body }, signal)
  const arrived = new Map<string, number>()
  let answered = Promise.resolve()
  const receiver = await startReceiver({
    onFrame: (socket, [, , { chunk }]) => {
      arrived.set(chunk, performance.now())
      answered = answered.then(() => delay(ACK_EVERY_MS)).then(() => void socket.write(ack(chunk)))
    },
  })
  const hello = () => ({ format: 1, version: '1', nodeId: 'n', nodeName: 'node1' })
  const server = { host: '127.0.0.1', port: receiver.port }
  const forwarder = new Forwarder({ server, hello, spool, onStore: () => {}, log: silent })
  const running = forwarder.run(signal)
  onTestFinished(async () => {
    stop.abort()
    await running
  })
  await receiver.until(() => arrived.size > 0)
  const appended = new Map<string, number>()
  while (!arrived.has(`backlog ${BACKLOG - 1}`)) {
    const id = `fresh ${appended.size}`
    appended.set(id, performance.now())
    await spool.append(chunkOf(id), signal)
    await delay(FRESH_EVERY_MS)
  }
  while (spool.size > 0) await spool.changed.wait()
  const lags = [...appended].map(([id, at]) => (arrived.get(id) ?? Number.POSITIVE_INFINITY) - at)
  expect(lags.length).toBeGreaterThan(20)
  expect(Math.max(...lags)).toBeLessThan(LAG_MS)
  const backlog = [...arrived.keys()].filter((id) => id.startsWith('backlog'))
  expect(backlog).toEqual(backlog.map((_, n) => `backlog ${n}`))
})
