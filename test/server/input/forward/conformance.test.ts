import { FluentClient, EventTime as SuccessorTime } from '@fluent-org/logger'
import fluentLogger from 'fluent-logger'
import { afterEach, describe, expect, it } from 'vitest'
import { startListener, type TestListener } from './harness.ts'

const KEY = 'a-shared-key'
const TIME = new Date(1_700_000_000_123)
const LINES = Array.from({ length: 20 }, (_, index) => `line ${index}`)

let listener: TestListener

afterEach(async () => {
  await listener.close(1000)
})

async function open(hasKey: boolean): Promise<void> {
  listener = await startListener({ sharedKeys: () => (hasKey ? ['another', KEY] : []) })
}

const CASES = [true, false].flatMap((hasKey) => [true, false].map((hasAck) => ({ hasKey, hasAck })))

function expectStored(hasKey: boolean): void {
  expect(listener.ingest.messages.toSorted()).toEqual(LINES.toSorted())
  expect(listener.ingest.stored[0]).toMatchObject({
    stream: { tag: 'app.web', nodeName: hasKey ? 'a-client' : '127.0.0.1' },
  })
  expect(new Set(listener.ingest.stored.map(({ time }) => time))).toEqual(new Set([1_700_000_000_123_000_000n]))
  expect(listener.metrics.reasons).toEqual({})
}

describe.each(['Message', 'PackedForward', 'CompressedPackedForward'])('fluent-logger in mode %s', (eventMode) => {
  it.each(CASES)('is understood (shared key: $hasKey, acks: $hasAck)', async ({ hasKey, hasAck }) => {
    await open(hasKey)
    const sender = fluentLogger.createFluentSender<Record<string, string>>('app', {
      host: '127.0.0.1',
      port: listener.port,
      // Milliseconds, whatever its name and default suggest.
      timeout: 3000,
      eventMode,
      // A flag, though its type is a number.
      milliseconds: 1,
      flushInterval: 20,
      requireAckResponse: hasAck,
      ackResponseTimeout: 5000,
      internalLogger: { info: () => undefined, error: () => undefined },
      ...(hasKey && { security: { clientHostname: 'a-client', sharedKey: KEY } }),
    })
    const acked = LINES.map(
      (log) =>
        new Promise<void>((resolve, reject) =>
          sender.emit('web', { log }, TIME, (error) => (error ? reject(error) : resolve())),
        ),
    )
    await Promise.all(acked)
    // Its callback means "stored" only when acks are asked for.
    if (!hasAck) await listener.ingest.until(LINES.length)
    expectStored(hasKey)
    sender.end('web', { log: 'end' }, () => undefined)
    await listener.ingest.until(LINES.length + 1)
  })
})

describe.each(['Message', 'Forward', 'PackedForward', 'CompressedPackedForward'] as const)(
  '@fluent-org/logger in mode %s',
  (eventMode) => {
    it.each(CASES)('is understood (shared key: $hasKey, acks: $hasAck)', async ({ hasKey, hasAck }) => {
      await open(hasKey)
      const client = new FluentClient('app', {
        eventMode,
        socket: { host: '127.0.0.1', port: listener.port, timeout: 3000 },
        ...(hasAck && { ack: { ackTimeout: 5000 } }),
        ...(hasKey && { security: { clientHostname: 'a-client', sharedKey: KEY } }),
      })
      const sent = LINES.map((log) => client.emit('web', { log }, SuccessorTime.fromDate(TIME)))
      await client.flush()
      await Promise.all(sent)
      if (!hasAck) await listener.ingest.until(LINES.length)
      expectStored(hasKey)
      await client.shutdown()
    })
  },
)
