import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  eventTime,
  helloFrame,
  inventoryFrame,
  pack,
  packEntry,
  packOption,
  recordsFrame,
} from '../../../../shared/forward/encode.ts'
import { EntryPacker } from '../../../../shared/forward/entries.ts'
import { printCommit, printOpenings } from '../../../../shared/forward/lineage.ts'
import { identitySum, WIRE_FORMAT } from '../../../../shared/forward/own.ts'
import type { Inventory } from '../../../../shared/inventory.ts'
import type { LogStream } from '../../../../shared/record.ts'
import { eventually, RawClient, startListener, type TestListener } from './harness.ts'

const STREAM: LogStream = {
  cluster: 'c1',
  nodeId: 'n1',
  nodeName: 'node1',
  stack: 'shop',
  service: 'shop_web',
  serviceId: 's1',
  taskId: 't1',
  taskName: 'shop_web.1.t1',
  slot: 1,
  containerId: 'abc',
  containerName: 'shop_web.1.t1',
  image: 'web:1',
  attributes: { 'com.example.team': 'a', __proto__x: 'b' },
  tag: '',
}
const INVENTORY: Inventory = {
  cluster: 'c1',
  nodeId: 'n1',
  time: '1700000000000000000',
  nodes: [{ id: 'n1', name: 'node1', role: 'manager', availability: 'active', state: 'ready', engine: '20.10' }],
  services: [
    { id: 's1', name: 'web', stack: '', mode: 'global', replicas: 0, image: 'web:1', update: '' },
    {
      id: 's2',
      name: 'api',
      stack: '',
      mode: 'global',
      replicas: 0,
      image: 'api:1',
      update: '',
      multiline: '^x',
      retention: '7d',
    },
  ],
  tasks: ['t1', 't2'],
  placements: [{ serviceId: 's1', nodeId: 'n1' }],
}
const HELLO = { format: WIRE_FORMAT, version: '1.0.0', nodeId: 'n1', nodeName: 'node1' }

let listener: TestListener
let client: RawClient

beforeEach(async () => {
  listener = await startListener()
  client = await RawClient.open(listener.port)
})

afterEach(async () => {
  await listener.close(100)
})

function records(
  id: string,
  entries: Uint8Array,
  streams: readonly unknown[] = [STREAM],
  format = WIRE_FORMAT,
): Buffer {
  const body = zstdCompressSync(entries)
  return Buffer.concat(recordsFrame({ id, records: 1, body }, packOption({ format, streams } as never)))
}

function entry(record: object, nanos = 5): Buffer {
  return packEntry(eventTime(1_700_000_000, nanos), record)
}

describe('the hello of an agent', () => {
  it('is answered with who the store is', async () => {
    client.send(helloFrame(HELLO, 'h1'))
    expect(await client.receive(1)).toEqual([
      {
        ack: 'h1',
        swarmlogs: {
          format: WIRE_FORMAT,
          version: expect.stringMatching(/^\d+\./),
          store: 'a-store',
          epoch: 3,
          sum: identitySum('a-store', 3),
        },
      },
    ])
  })

  it('is told how long lines are kept', async () => {
    const keeping = await startListener({ retentionMs: 1000 })
    const agent = await RawClient.open(keeping.port)
    agent.send(helloFrame(HELLO, 'h1'))
    expect(await agent.receive(1)).toMatchObject([{ swarmlogs: { retentionMs: 1000 } }])
    await keeping.close(100)
  })

  it('is refused with the reason when its format is newer, and the connection ends', async () => {
    client.send(helloFrame({ ...HELLO, format: WIRE_FORMAT + 1 }, 'h1'))
    const error = expect.stringMatching(/^cannot read wire format 2.*update the server/)
    expect(await client.receive(1)).toEqual([
      { ack: 'h1', swarmlogs: expect.objectContaining({ store: 'a-store', error }) },
    ])
    await client.closed
    expect(listener.metrics.reasons).toEqual({ format: 1 })
  })

  it.each([
    ['without a chunk id', pack(['swarmlogs.hello', [], { swarmlogs: HELLO }])],
    ['without a map', pack(['swarmlogs.hello', [], { chunk: 'h', swarmlogs: 7 }])],
  ])('%s is refused', async (_, bytes) => {
    client.send(bytes)
    await client.closed
    expect(Object.values(listener.metrics.reasons)).toEqual([1])
  })
})

describe('when the store becomes another one', () => {
  it.each([
    { id: 'a-store', epoch: 4 },
    { id: 'another', epoch: 3 },
  ])('agents are made to connect again, with what they sent stored and acked: %j', async (next) => {
    let identity = { id: 'a-store', epoch: 3 }
    const moving = await startListener({ identity: () => identity })
    const agent = await RawClient.open(moving.port)
    const stranger = await RawClient.open(moving.port)
    agent.send(helloFrame(HELLO, 'h'))
    await agent.receive(1)
    moving.ingest.hold()
    agent.send(records('r1', entry({ m: 'a', s: 0 })))
    await eventually(() => moving.metrics.frames).toBe(2)
    identity = next
    await sleep(1100)
    moving.ingest.release()
    await agent.closed
    expect(agent.values[1]).toEqual({ ack: 'r1' })
    expect(moving.ingest.messages).toEqual(['a'])
    expect(stranger.socket.destroyed).toBe(false)
    await moving.close(100)
  })
})

describe('a records frame of an agent', () => {
  it('is what the agent packed', async () => {
    const packer = new EntryPacker(1024)
    const line = { seconds: 1_700_000_000, nanos: 123_456_789, ordinal: 0, cutFrom: 0, headMissing: false } as const
    packer.add({ ...line, source: 'stdout', message: Buffer.from('one é\r') }, 0)
    packer.add({ ...line, source: 'stderr', ordinal: 70_000, message: Buffer.from('') }, 1)
    packer.add({ ...line, source: 'stdout', cutFrom: 2 ** 40, headMissing: true, message: randomBytes(70_000) }, 0)
    client.send(records('r1', packer.bytes(), [STREAM, { ...STREAM, containerId: 'def' }]))
    expect(await client.receive(1)).toEqual([{ ack: 'r1' }])
    const [one, two, three] = listener.ingest.stored
    const common = { time: 1_700_000_000_123_456_789n, chunk: '', level: '', fields: '' }
    expect(one).toEqual({
      ...common,
      stream: STREAM,
      source: 'stdout',
      ordinal: 0,
      message: 'one é\r',
      cutFrom: 0,
      headMissing: false,
    })
    expect(two).toMatchObject({
      ...common,
      source: 'stderr',
      ordinal: 70_000,
      message: '',
      stream: { containerId: 'def' },
    })
    expect(three).toMatchObject({ ...common, cutFrom: 2 ** 40, headMissing: true })
    expect(three?.message).toContain('\ufffd')
  })

  it('agrees with the packer on every line', () => {
    const line = fc.record({
      source: fc.constantFrom('stdout' as const, 'stderr' as const),
      seconds: fc.nat({ max: 0xffffffff }),
      nanos: fc.nat({ max: 999_999_999 }),
      ordinal: fc.oneof(fc.nat({ max: 300 }), fc.nat()),
      message: fc.string({ unit: 'grapheme', maxLength: 400 }),
      cutFrom: fc.oneof(
        fc.constant(0),
        fc.maxSafeInteger().filter((length) => length > 0),
      ),
      headMissing: fc.boolean(),
    })
    const property = fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 20 }), async (lines) => {
      const packer = new EntryPacker(64)
      for (const one of lines) packer.add({ ...one, message: Buffer.from(one.message) }, 0)
      const [before, acked] = [listener.ingest.stored.length, client.values.length]
      client.send(records('r', packer.bytes()))
      await client.receive(acked + 1)
      const expected = lines.map(({ seconds, nanos, ...rest }) => ({
        ...rest,
        time: BigInt(seconds) * 1_000_000_000n + BigInt(nanos),
      }))
      expect(listener.ingest.stored.slice(before)).toMatchObject(expected)
    })
    return fc.assert(property, { numRuns: 100 })
  })

  it('has one LogStream object for the same labels, over frames', async () => {
    client.send(records('r1', Buffer.concat([entry({ m: 'a', s: 0 }), entry({ m: 'b', s: 1 })]), [STREAM, STREAM]))
    client.send(records('r2', entry({ m: 'c', s: 0 })))
    await client.receive(2)
    expect(new Set(listener.ingest.stored.map(({ stream }) => stream)).size).toBe(1)
  })

  it('may hold what a later minor version adds', async () => {
    client.send(records('r1', entry({ m: 'a', zz: { deep: [1] }, s: 0, x: 'y' }), [{ ...STREAM, more: 'labels' }]))
    await client.receive(1)
    expect(listener.ingest.messages).toEqual(['a'])
  })

  it.each<[string, unknown]>([
    ['of a stream that is not there', { m: 'bad', s: 2 }],
    ['of a stream that is none', { m: 'bad', s: 1 }],
    ['without a stream', { m: 'bad' }],
    ['without a message', { s: 0 }],
    ['whose message is a number', { m: 1, s: 0 }],
    ['whose ordinal is negative', { m: 'bad', s: 0, o: -1 }],
    ['whose ordinal is a fraction', { m: 'bad', s: 0, o: 1.5 }],
    ['that is an array', [1, 2]],
  ])('an entry %s is left out, its neighbours are stored, and the frame is acked', async (_, record) => {
    const good = entry({ m: 'good', s: 0 })
    client.send(records('r1', Buffer.concat([good, entry(record as object), good]), [STREAM, { ...STREAM, slot: 'x' }]))
    expect(await client.receive(1)).toEqual([{ ack: 'r1' }])
    expect(listener.ingest.messages).toEqual(['good', 'good'])
    expect(listener.metrics.reasons).toEqual({ entry: 1 })
  })

  it('an entry with a time that is none is left out', async () => {
    client.send(records('r1', Buffer.concat([entry({ m: 'bad', s: 0 }, 1_000_000_000), entry({ m: 'good', s: 0 })])))
    await client.receive(1)
    expect(listener.ingest.messages).toEqual(['good'])
  })

  it('what is before a torn entry is stored', async () => {
    const good = entry({ m: 'good', s: 0 })
    client.send(records('r1', Buffer.concat([good, good.subarray(0, -2)])))
    expect(await client.receive(1)).toEqual([{ ack: 'r1' }])
    expect(listener.ingest.messages).toEqual(['good'])
  })

  it('of a newer format ends the connection', async () => {
    client.send(records('r1', entry({ m: 'a', s: 0 }), [STREAM], WIRE_FORMAT + 1))
    await client.closed
    expect(client.values).toEqual([])
    expect(listener.metrics.reasons).toEqual({ format: 1 })
  })

  it('labels are cut to 1 KiB, attributes to 256 with names of 512 and values of 4096 characters', async () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`a${index}`, '']))
    const long = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`${'k'.repeat(600)}${index}`, '']))
    const streams = [
      { ...STREAM, containerName: 'n'.repeat(5000) },
      { ...STREAM, attributes: many },
      { ...STREAM, attributes: { ...long, x: 'v'.repeat(5000) } },
      { ...STREAM, multiline: '^x' },
      { ...STREAM, multiline: 'x'.repeat(5000), retention: '7'.repeat(65) },
      { ...STREAM, retention: '7d' },
    ]
    client.send(records('r1', Buffer.concat([0, 1, 2, 3, 4, 5].map((s) => entry({ m: `${s}`, s }))), streams))
    await client.receive(1)
    expect(listener.ingest.messages).toEqual(['0', '1', '2', '3', '4', '5'])
    const [named, first, cut, multiline, endless, kept] = listener.ingest.stored.map(({ stream }) => stream)
    expect(named?.containerName).toHaveLength(1024)
    expect(Object.keys(first?.attributes ?? {})).toEqual(Object.keys(many).slice(0, 256))
    expect(multiline).toEqual({ ...STREAM, multiline: '^x' })
    expect(endless).toEqual(STREAM)
    expect(kept).toEqual({ ...STREAM, retention: '7d' })
    expect(cut?.attributes).toEqual({ ['k'.repeat(512)]: '', x: 'v'.repeat(4096) })
    expect(listener.metrics.reasons).toEqual({})
  })

  it('its tag without our option is a foreign frame', async () => {
    client.send(pack(['swarmlogs.records', gzipSync(entry({ log: 'x' })), { compressed: 'gzip', chunk: 'c' }]))
    await client.receive(1)
    expect(listener.ingest.stored[0]).toMatchObject({ message: 'x', stream: { tag: 'swarmlogs.records' } })
  })
})

it('an agent is told of the openings of the store, of which this one is noted by then', async () => {
  let openings = [{ id: 'a', from: 0n }]
  const noted = [...openings, { id: 'b', from: 7n }]
  const noteOpening = async () => {
    await sleep(1)
    openings = noted
  }
  const other = await startListener({ lineage: () => ({ openings, last: 9n }), noteOpening })
  const agent = await RawClient.open(other.port)
  agent.send(helloFrame(HELLO, 'h'), records('r1', entry({ m: 'a', s: 0 })))
  const expected = { ack: 'h', swarmlogs: { openings: printOpenings(noted) } }
  expect(await agent.receive(2)).toMatchObject([expected, { ack: 'r1', at: printCommit({ opening: 'b', at: 9n }) }])
  await other.close(100)
})

describe('a bit that is flipped on the way', () => {
  const frames: [string, Buffer][] = [
    ['records', records('r1', entry({ m: 'a line of text', s: 0 }))],
    ['an inventory', inventoryFrame(INVENTORY, 'i1')],
  ]
  it.each(frames)('in %s has none of it taken, nor acked', async (_, sound) => {
    for (let place = 0; place < sound.length; place++) {
      const flipped = Buffer.from(sound)
      flipped[place] = (flipped[place] ?? 0) ^ (1 << (place % 8))
      const sender = await RawClient.open(listener.port)
      await sender.send(helloFrame(HELLO, 'h')).receive(1)
      sender.send(flipped)
      // A frame that says that it is longer waits for the rest.
      sender.socket.end()
      await sender.closed
      expect(sender.values).toHaveLength(1)
    }
    expect(listener.ingest.stored).toEqual([])
    expect(listener.ingest.inventories).toEqual([])
  })

  it('in a hello does not make a foreign sender of an agent', async () => {
    for (const tag of ['swarmlogs.hellp', 'swarmlogs.hello']) {
      const sender = await RawClient.open(listener.port)
      const option = tag === 'swarmlogs.hello' ? { swarmlogt: HELLO } : { swarmlogs: HELLO }
      sender.send(pack([tag, [], { chunk: 'h', ...option }]))
      await sender.closed
      expect(sender.values).toEqual([])
    }
    expect(listener.metrics.reasons).toEqual({ checksum: 2 })
  })
})

describe('an inventory', () => {
  it('is handed on and acked, in its place among the records', async () => {
    client.send(helloFrame(HELLO, 'h'), records('r1', entry({ m: 'a', s: 0 })), inventoryFrame(INVENTORY, 'i1'))
    expect((await client.receive(3)).slice(1)).toEqual([{ ack: 'r1' }, { ack: 'i1' }])
    expect(listener.ingest.inventories).toEqual([INVENTORY])
  })

  it('tells which tasks have ended, where its agent is new enough', async () => {
    const inventory = { ...INVENTORY, ended: ['t1'] }
    client.send(helloFrame(HELLO, 'h'), inventoryFrame(inventory, 'i1'))
    await client.receive(2)
    expect(listener.ingest.inventories).toEqual([inventory])
  })

  it.each<[string, object]>([
    ['lacks something', { ...INVENTORY, tasks: undefined }],
    ['has a node in a role that is none', { ...INVENTORY, nodes: [{ ...INVENTORY.nodes[0], role: 'king' }] }],
    ['has a task that is a number', { ...INVENTORY, tasks: [1] }],
    ['has an ended task that is a number', { ...INVENTORY, ended: [1] }],
    ['has a time that is not decimal', { ...INVENTORY, time: '0x10' }],
    ['has no time', { ...INVENTORY, time: '' }],
  ])('that %s is left out, and acked', async (_, inventory) => {
    client.send(helloFrame(HELLO, 'h'), inventoryFrame(inventory as Inventory, 'i1'))
    expect((await client.receive(2))[1]).toEqual({ ack: 'i1' })
    expect(listener.ingest.inventories).toEqual([])
    expect(listener.metrics.reasons).toEqual({ entry: 1 })
  })

  it('of who never said hello is a foreign record', async () => {
    client.send(inventoryFrame(INVENTORY, 'i1'))
    await client.receive(1)
    expect(listener.ingest.inventories).toEqual([])
    expect(listener.ingest.stored).toHaveLength(1)
  })
})
