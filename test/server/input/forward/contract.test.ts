import { pino } from 'pino'
import { startForward } from '../../../../server/input/forward/listener.ts'
import { inputContract } from '../contract.ts'
import { frame, RawClient } from './harness.ts'

inputContract('forward', async (ingest) => {
  const listener = await startForward({
    listen: { host: '127.0.0.1', port: 0 },
    sharedKeys: () => [],
    ingest,
    identity: () => ({ id: 'a-store', epoch: 1 }),
    log: pino({ level: 'silent' }),
  })
  let client: RawClient | undefined
  let sent = 0
  let closing: Promise<void> | undefined
  return {
    async send(log) {
      if (client?.socket.destroyed !== false) {
        client = await RawClient.open(listener.port)
        sent = 0
      }
      const { send, receive } = { send: client, receive: ++sent }
      const values = await send.send(frame(['app', 1_700_000_000, { log }, { chunk: log }])).receive(receive)
      if (!values.some((value) => (value as { ack: string }).ack === log)) throw new Error('not acked')
    },
    close() {
      closing ??= listener.close(1000)
      return closing
    },
  }
})
