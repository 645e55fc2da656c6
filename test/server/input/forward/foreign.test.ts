import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { LogRecord } from '../../../../shared/record.ts'
import { frame, RawClient, startListener, type TestListener } from './harness.ts'

const SECOND = 1_700_000_000
const TASK = 'abcdefghijklmnopqrstuvwxy'
const NODE = 'zyxwvutsrqponmlkjihgfedcb'

let listener: TestListener
let client: RawClient

beforeEach(async () => {
  listener = await startListener()
  client = await RawClient.open(listener.port)
})

afterEach(async () => {
  await listener.close(100)
})

async function stored(record: object, tag = 'app'): Promise<LogRecord> {
  client.send(frame([tag, SECOND, record]))
  await listener.ingest.until(1)
  const [first] = listener.ingest.stored
  if (first === undefined) throw new Error('nothing stored')
  return first
}

describe("a foreign record's line", () => {
  it.each<[string, object, string]>([
    ['log', { log: 'a', message: 'b' }, 'a'],
    ['message', { message: 'b', msg: 'c' }, 'b'],
    ['msg', { msg: 'c', x: 1 }, 'c'],
    ['MESSAGE', { MESSAGE: 'd' }, 'd'],
    ['log without its newline', { log: 'a\n' }, 'a'],
    ['log with the newlines in it', { log: 'a\nb\n\n' }, 'a\nb\n'],
    ['log with its CR', { log: 'a\r\n' }, 'a\r'],
    ['log as bin', { log: Buffer.from('a') }, 'a'],
    ['an empty log', { log: '' }, ''],
    [
      'the record, when nothing in it is a line',
      { a: 1, b: { c: ['x', null] }, log: 7 },
      '{"a":1,"b":{"c":["x",null]},"log":7}',
    ],
    ['the empty record', {}, '{}'],
  ])('is %s', async (_, record, message) => {
    expect((await stored(record)).message).toBe(message)
  })
})

describe("a foreign record's labels", () => {
  it("come from Docker's fluentd driver", async () => {
    const record = {
      container_id: 'abc123',
      container_name: '/web-1',
      source: 'stderr',
      log: 'hello',
      'com.example.x': 'y',
    }
    expect(await stored(record, 'docker.abc')).toEqual({
      stream: {
        cluster: '',
        nodeId: '127.0.0.1',
        nodeName: '127.0.0.1',
        stack: '',
        service: 'web-1',
        serviceId: '',
        taskId: '',
        taskName: '',
        slot: 0,
        containerId: 'abc123',
        containerName: 'web-1',
        image: '',
        attributes: {},
        tag: 'docker.abc',
      },
      source: 'stderr',
      time: BigInt(SECOND) * 1_000_000_000n,
      ordinal: 0,
      message: 'hello',
      cutFrom: 0,
      headMissing: false,
      chunk: '',
      level: '',
      fields: '{"com.example.x":"y"}',
    })
  })

  it.each<[string, object, object]>([
    [
      'a task',
      { container_name: `/my.shop_web.12.${TASK}` },
      { service: 'my.shop_web', slot: 12, taskId: TASK, taskName: `my.shop_web.12.${TASK}` },
    ],
    [
      'a global task',
      { container_name: `/shop_agent.${NODE}.${TASK}` },
      { service: 'shop_agent', slot: 0, taskId: TASK },
    ],
    [
      'a stack that its label names',
      { container_name: `/shop_web.1.${TASK}`, 'com.docker.stack.namespace': 'shop' },
      { stack: 'shop' },
    ],
    [
      'no stack that the name does not bear out',
      { container_name: `/shop_web.1.${TASK}`, 'com.docker.stack.namespace': 'other' },
      { stack: '' },
    ],
    ['no task', { container_name: '/a.b.c' }, { service: 'a.b.c', taskId: '' }],
    ['the tag, without a container', {}, { service: 'app', containerId: '', tag: 'app' }],
    ['a name that is cut', { container_name: `/${'n'.repeat(10_000)}` }, { containerName: 'n'.repeat(1023) }],
  ])('tell %s', async (_, record, labels) => {
    expect((await stored({ log: 'x', ...record })).stream).toMatchObject(labels)
  })

  it('are one object for all records of an origin', async () => {
    client.send(frame(['app', Array(3).fill([SECOND, { log: 'x', container_id: 'a' }])]))
    await listener.ingest.until(3)
    expect(new Set(listener.ingest.stored.map(({ stream }) => stream)).size).toBe(1)
  })
})

describe("a foreign record's level and fields", () => {
  it.each<[string, object, string, unknown]>([
    ['its own level', { log: 'ERROR x', level: 'info' }, 'info', { level: 'info' }],
    ['a severity', { log: 'x', severity: 'WARNING' }, 'warn', { severity: 'WARNING' }],
    ['a nested level', { log: 'x', 'log.level': 'debug' }, 'debug', { 'log.level': 'debug' }],
    ["journald's priority", { MESSAGE: 'x', PRIORITY: '3' }, 'error', { PRIORITY: '3' }],
    ["the line's level", { log: 'ERROR x', a: 1 }, 'error', { a: 1 }],
    [
      "the line's fields beside its own",
      { log: '{"level":50,"b":{"c":2},"a":3}', a: 1 },
      'error',
      { a: 3, level: 50, 'b.c': 2 },
    ],
    [
      'flat names',
      { log: 'x', kubernetes: { pod: 'p', labels: { app: 'a' } }, list: [1, { x: 2 }] },
      '',
      { 'kubernetes.pod': 'p', 'kubernetes.labels.app': 'a', list: '[1,{"x":2}]' },
    ],
    ['big numbers as text', { log: 'x', n: 2n ** 63n - 1n }, '', { n: '9223372036854775807' }],
    ['nothing', { log: 'x' }, '', undefined],
    ['a source that is none', { log: 'x', source: 'syslog' }, '', { source: 'syslog' }],
  ])('are %s', async (_, record, level, fields) => {
    const line = await stored(record)
    expect(line.level).toBe(level)
    expect(line.fields === '' ? undefined : JSON.parse(line.fields)).toEqual(fields)
  })

  it('take no meaning from names', async () => {
    const pairs = [
      ['__proto__', { log: 'evil' }],
      ['constructor', 1],
      ['toString', 2],
      ['log', 'fine'],
    ] as const
    const record = Buffer.concat([Buffer.from([0x84]), ...pairs.flat().map((part) => frame(part))])
    client.send(Buffer.concat([Buffer.from([0x93]), frame('app'), frame(SECOND), record]))
    await listener.ingest.until(1)
    expect(listener.ingest.stored[0]?.message).toBe('fine')
    expect(listener.ingest.stored[0]?.fields).toBe('{"__proto__.log":"evil","constructor":1,"toString":2}')
  })

  it("keep Fluent Bit's metadata", async () => {
    client.send(frame(['app', [[[SECOND, { otlp: { x: 1 } }], { log: 'x' }]]]))
    await listener.ingest.until(1)
    expect(listener.ingest.stored[0]?.fields).toBe('{"metadata.otlp.x":1}')
  })
})

describe("parts of a long line, as Docker's driver sends them", () => {
  function part(log: string | Buffer, ordinal: number, isLast = false, id = 'p1'): object {
    const partial = {
      partial_message: 'true',
      partial_id: id,
      partial_ordinal: String(ordinal),
      partial_last: String(isLast),
    }
    return { container_id: 'c', source: 'stdout', log, ...partial }
  }

  it('are put together over frames, also those of several lines at once, split within a character', async () => {
    const bytes = Buffer.from('aé')
    client.send(
      frame(['app', SECOND, part(bytes.subarray(0, 2), 1)]),
      frame(['app', SECOND, part('x', 1, false, 'p2')]),
      frame(['app', SECOND + 1, { log: 'between' }]),
      frame(['app', SECOND + 2, part(bytes.subarray(2), 2)]),
      frame(['app', SECOND + 3, part('b', 3, true)]),
      frame(['app', SECOND + 3, part('y', 2, true, 'p2')]),
    )
    await listener.ingest.until(3)
    expect(listener.ingest.messages).toEqual(['between', 'aéb', 'xy'])
    expect(listener.ingest.stored[1]).toMatchObject({ time: BigInt(SECOND) * 1_000_000_000n, fields: '', cutFrom: 0 })
  })

  it('make a line that is cut at 1 MiB and says how long it was', async () => {
    const piece = 'x'.repeat(16 * 1024)
    for (let ordinal = 1; ordinal <= 100; ordinal++)
      client.send(frame(['app', SECOND, part(piece, ordinal, ordinal === 100)]))
    await listener.ingest.until(1)
    expect(listener.ingest.stored[0]?.message).toHaveLength(1 << 20)
    expect(listener.ingest.stored[0]?.cutFrom).toBe(100 * 16 * 1024)
  })

  it('are stored as they are when the last does not come', async () => {
    client.send(frame(['app', SECOND, part('lost end', 1)]))
    client.socket.end()
    await client.closed
    expect(listener.ingest.messages).toEqual(['lost end'])
  })

  it('are stored as they are after 10 s', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
    try {
      const timed = await startListener()
      const sender = await RawClient.open(timed.port)
      sender.send(frame(['app', SECOND, part('lost end', 1)]))
      await vi.waitFor(() => expect(timed.metrics.frames).toBe(1), { timeout: 20_000 })
      vi.advanceTimersByTime(9000)
      expect(timed.ingest.messages).toEqual([])
      vi.advanceTimersByTime(2000)
      await timed.ingest.until(1)
      expect(timed.ingest.messages).toEqual(['lost end'])
      await timed.close(100)
    } finally {
      vi.useRealTimers()
    }
  })

  it('are held only so many at once, the oldest given back first', async () => {
    for (let line = 0; line < 70; line++) client.send(frame(['app', SECOND, part(`l${line}`, 1, false, `p${line}`)]))
    await listener.ingest.until(6)
    expect(listener.ingest.messages).toEqual(['l0', 'l1', 'l2', 'l3', 'l4', 'l5'])
  })

  it('are stored as they are, in order, and so acked, when an ack is wanted', async () => {
    client.send(frame(['app', SECOND, part('a', 1), { chunk: '1' }]))
    expect(await client.receive(1)).toEqual([{ ack: '1' }])
    client.send(frame(['app', SECOND, part('b', 2, true), { chunk: '2' }]))
    await client.receive(2)
    expect(listener.ingest.messages).toEqual(['a', 'b'])
    expect(JSON.parse(listener.ingest.stored[1]?.fields ?? '')).toMatchObject({
      partial_id: 'p1',
      partial_ordinal: '2',
    })
  })
})
