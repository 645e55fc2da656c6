import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { at, eventually, frame, Raw, RawClient, startListener, type TestListener } from './harness.ts'

const SECOND = 1_700_000_000
const NS = 1_000_000_000n

let listener: TestListener

afterEach(async () => {
  await listener.close(100)
})

async function open(): Promise<RawClient> {
  listener = await startListener()
  return RawClient.open(listener.port)
}

const ENTRIES = [
  [at(SECOND, 1), { log: 'one' }],
  [SECOND + 1, { log: 'two' }],
  [[at(SECOND + 2, 2), {}], { log: 'three' }],
]
const PACKED = Buffer.concat(ENTRIES.map(frame))

describe('a frame in each mode', () => {
  it.each([
    ['Forward', ['app', ENTRIES, { chunk: 'c1' }]],
    ['PackedForward as bin', ['app', PACKED, { chunk: 'c1', size: 3 }]],
    ['PackedForward as str', ['app', new Raw(0xda, PACKED.length >> 8, PACKED.length & 255, PACKED), { chunk: 'c1' }]],
    ['PackedForward that says it is text', ['app', PACKED, { chunk: 'c1', compressed: 'text', size: 999 }]],
    ['CompressedPackedForward, gzip', ['app', gzipSync(PACKED), { chunk: 'c1', compressed: 'gzip' }]],
    [
      'CompressedPackedForward, gzip of several members',
      ['app', Buffer.concat(ENTRIES.map((entry) => gzipSync(frame(entry)))), { chunk: 'c1', compressed: 'gzip' }],
    ],
    ['CompressedPackedForward, zstd', ['app', zstdCompressSync(PACKED), { chunk: 'c1', compressed: 'zstd' }]],
    [
      'CompressedPackedForward, zstd of several frames',
      [
        'app',
        Buffer.concat(ENTRIES.map((entry) => zstdCompressSync(frame(entry)))),
        { chunk: 'c1', compressed: 'zstd' },
      ],
    ],
  ])('%s is stored with its times and acked', async (_, value) => {
    const client = await open()
    client.send(frame(value))
    expect(await client.receive(1)).toEqual([{ ack: 'c1' }])
    expect(listener.ingest.messages).toEqual(['one', 'two', 'three'])
    expect(listener.ingest.stored.map(({ time }) => time)).toEqual([
      BigInt(SECOND) * NS + 1n,
      BigInt(SECOND + 1) * NS,
      BigInt(SECOND + 2) * NS + 2n,
    ])
    expect(listener.ingest.stored.map(({ ordinal }) => ordinal)).toEqual([0, 1, 2])
    expect(new Set(listener.ingest.stored.map(({ chunk }) => chunk)).size).toBe(1)
  })

  it('Message is stored, and acked only when it has a chunk id', async () => {
    const client = await open()
    client.send(
      frame(['app', SECOND, { log: 'one' }]),
      frame(['app', at(SECOND, 5), { log: 'two' }, {}]),
      frame(['app', SECOND, { log: 'three' }, null]),
      frame(['app', SECOND, { log: 'four' }, { chunk: 'c' }]),
    )
    expect(await client.receive(1)).toEqual([{ ack: 'c' }])
    expect(listener.ingest.messages).toEqual(['one', 'two', 'three', 'four'])
    expect(listener.ingest.stored.map(({ chunk }) => chunk === '')).toEqual([true, true, true, false])
  })

  it('nil is a heartbeat', async () => {
    const client = await open()
    client.send(Buffer.from([0xc0, 0xc0]), frame(['app', SECOND, { log: 'x' }, { chunk: 'c' }]), Buffer.from([0xc0]))
    expect(await client.receive(1)).toEqual([{ ack: 'c' }])
  })

  it('a frame torn into single bytes is the same frame', async () => {
    const client = await open()
    for (const byte of frame(['app', ENTRIES, { chunk: 'c1' }])) client.send(Buffer.from([byte]))
    expect(await client.receive(1)).toEqual([{ ack: 'c1' }])
    expect(listener.ingest.messages).toEqual(['one', 'two', 'three'])
  })
})

describe('acks', () => {
  it('echo the chunk id byte for byte', async () => {
    const client = await open()
    const ids = ['YWJj\n', 'x'.repeat(31), 'y'.repeat(32), 'z'.repeat(255), 'w'.repeat(256), '']
    for (const id of ids) client.send(frame(['app', SECOND, { log: 'x' }, { chunk: id }]))
    expect(await client.receive(ids.length)).toEqual(ids.map((id) => ({ ack: id })))
    const odd = Buffer.from([0xa3, 0xff, 0x00, 0xfe])
    const before = client.bytes.length
    client.send(frame(['app', SECOND, { log: 'x' }, new Raw(0x81, 0xa5, Buffer.from('chunk'), odd)]))
    await client.receive(ids.length + 1)
    expect(client.bytes.subarray(before)).toEqual(Buffer.concat([Buffer.from([0x81, 0xa3]), Buffer.from('ack'), odd]))
  })

  it('come only after the records are stored, in order, for many frames under way at once', async () => {
    const client = await open()
    listener.ingest.hold()
    const ids = Array.from({ length: 10 }, (_, index) => `c${index}`)
    for (const id of ids) client.send(frame(['app', [[SECOND, { log: id }]], { chunk: id }]))
    await eventually(() => listener.metrics.frames).toBe(10)
    expect(client.values).toEqual([])
    listener.ingest.release()
    expect(await client.receive(10)).toEqual(ids.map((id) => ({ ack: id })))
    expect(listener.ingest.messages).toEqual(ids)
  })
})
