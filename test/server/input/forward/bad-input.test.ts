import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { at, frame, Raw, RawClient, startListener, type TestListener } from './harness.ts'

const SECOND = 1_700_000_000
const GOOD = [SECOND, { log: 'good' }]
const MIB = 1 << 20

let listener: TestListener
let client: RawClient

beforeEach(async () => {
  listener = await startListener()
  client = await RawClient.open(listener.port)
})

afterEach(async () => {
  await listener.close(100)
})

/** A map packed by hand, of keys and values that are packed already or can be. */
function mapOf(...pairs: [unknown, unknown][]): Raw {
  return new Raw(0x80 | pairs.length, ...pairs.flat().map(frame))
}

function packed(...entries: unknown[]): Buffer {
  return Buffer.concat(entries.map(frame))
}

function wrongChecksum(member: Buffer): Buffer {
  return member.fill(0, member.length - 8, member.length - 4)
}

function bomb(bytes: number): Buffer {
  return gzipSync(Buffer.alloc(bytes))
}

describe('what is no frame', () => {
  it.each<[string, unknown, string]>([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'not-msgpack'],
    ['random bytes', Buffer.from('0badc0de', 'hex'), 'not-msgpack'],
    ['a tag alone', ['app'], 'frame-shape'],
    ['a tag and a time', ['app', SECOND], 'frame-shape'],
    ['five elements', ['app', [GOOD], {}, 1, 2], 'frame-shape'],
    ['an element behind the options', ['app', [GOOD], {}, 1], 'frame-shape'],
    ['options that are no map', ['app', [GOOD], 7], 'entry'],
    ['a chunk id that is a map', ['app', [GOOD], { chunk: {} }], 'chunk'],
    ['a chunk id that is nil', ['app', [GOOD], { chunk: null }], 'chunk'],
    ['a chunk id that is bin', ['app', [GOOD], { chunk: Buffer.from('x') }], 'chunk'],
    ['a chunk id of 257 bytes', ['app', [GOOD], { chunk: 'x'.repeat(257) }], 'chunk'],
    ['a chunk id of 1 MiB', ['app', [GOOD], { chunk: 'x'.repeat(MIB) }], 'chunk'],
    ['compression by another name', ['app', deflateSync(packed(GOOD)), { compressed: 'deflate' }], 'compression'],
    ['compression in capitals', ['app', zstdCompressSync(packed(GOOD)), { compressed: 'ZSTD' }], 'compression'],
    ['compression that is a map', ['app', packed(GOOD), { compressed: {} }], 'compression'],
    ['gzip cut off', ['app', gzipSync(packed(GOOD)).subarray(0, -3), { compressed: 'gzip' }], 'inflation'],
    ['gzip with a wrong checksum', ['app', wrongChecksum(gzipSync(packed(GOOD))), { compressed: 'gzip' }], 'inflation'],
    [
      'gzip and garbage',
      ['app', Buffer.concat([gzipSync(packed(GOOD)), Buffer.from('x')]), { compressed: 'gzip' }],
      'inflation',
    ],
    ['no gzip at all', ['app', packed(GOOD), { compressed: 'gzip' }], 'inflation'],
    ['nothing as gzip', ['app', Buffer.alloc(0), { compressed: 'gzip' }], 'inflation'],
    ['zstd cut off', ['app', zstdCompressSync(packed(GOOD)).subarray(0, -3), { compressed: 'zstd' }], 'inflation'],
    [
      'zstd and garbage',
      ['app', Buffer.concat([zstdCompressSync(packed(GOOD)), Buffer.from('x')]), { compressed: 'zstd' }],
      'inflation',
    ],
    ['a gzip bomb', ['app', bomb(65 * MIB), { compressed: 'gzip', chunk: 'c' }], 'inflation'],
    ['a small gzip bomb', ['app', bomb(9 * MIB), { compressed: 'gzip', chunk: 'c' }], 'inflation'],
    ['a zstd bomb', ['app', zstdCompressSync(Buffer.alloc(65 * MIB)), { compressed: 'zstd' }], 'inflation'],
  ])('%s closes the connection, counted and logged, and nothing is acked or stored', async (_, value, reason) => {
    client.send(Buffer.isBuffer(value) ? value : frame(value))
    await client.closed
    expect(client.values).toEqual([])
    expect(listener.metrics.reasons).toEqual({ [reason]: 1 })
    expect(listener.logged.filter(({ msg }) => msg === 'forward input refused')).toMatchObject([
      { reason, address: '127.0.0.1' },
    ])
    expect(listener.ingest.stored).toEqual([])
  })

  it('is logged once for an address and reason, however often it comes', async () => {
    for (let i = 0; i < 5; i++) {
      const other = await RawClient.open(listener.port)
      other.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
      await other.closed
    }
    expect(listener.metrics.reasons).toEqual({ 'not-msgpack': 5 })
    expect(listener.logged.filter(({ msg }) => msg === 'forward input refused')).toHaveLength(1)
  })

  it('takes nothing from whole frames that came before it', async () => {
    client.send(Buffer.concat([frame(['app', SECOND, { log: 'good' }]), Buffer.from('GET / HTTP/1.1\r\n\r\n')]))
    await client.closed
    await listener.ingest.until(1)
    expect(listener.ingest.messages).toEqual(['good'])
  })

  it('an empty connection is neither logged nor counted', async () => {
    const other = await RawClient.open(listener.port)
    other.socket.end()
    await other.closed
    expect(listener.metrics.reasons).toEqual({})
  })
})

describe('records that cannot be stored', () => {
  const DEEP = new Raw(...Array<number[]>(40).fill([0x81, 0xa1, 0x61]).flat(), 0x01)
  const WIDE = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`k${index}`, index]))

  it.each<[string, unknown, string]>([
    ['too deep a record', [SECOND, DEEP], 'entry-limit'],
    ['a record of too many keys', [SECOND, WIDE], 'entry-limit'],
    ['a key that is too long', [SECOND, { ['k'.repeat(513)]: 1 }], 'entry-limit'],
    ['a key that is a number', [SECOND, mapOf([1, 2])], 'entry-limit'],
    ['a record that is no map', [SECOND, 'text'], 'entry'],
    ['a record that is nil', [SECOND, null], 'entry'],
    ['an entry of three', [SECOND, {}, 1], 'entry'],
    ['an entry that is no array', 7, 'entry'],
  ])('%s is left out, its neighbours are stored, and the frame is acked', async (_, entry, reason) => {
    client.send(
      frame(['app', [GOOD, entry, GOOD], { chunk: 'forward' }]),
      frame(['app', packed(GOOD, entry, GOOD), { chunk: 'packed' }]),
    )
    expect(await client.receive(2)).toEqual([{ ack: 'forward' }, { ack: 'packed' }])
    expect(listener.ingest.messages).toEqual(['good', 'good', 'good', 'good'])
    expect(listener.metrics.reasons).toEqual({ [reason]: 2 })
  })

  it('too deep a record alone in a Message frame is left out, and acked', async () => {
    client.send(frame(['app', SECOND, DEEP, { chunk: 'c' }]))
    expect(await client.receive(1)).toEqual([{ ack: 'c' }])
    expect(listener.metrics.reasons).toEqual({ 'entry-limit': 1 })
  })

  it.each([
    ['half an entry', frame(GOOD).subarray(0, -3)],
    ['garbage', Buffer.from([0x92, 0xc1, 0xc1])],
    ['2^31 elements', Buffer.from([0xdd, 0x7f, 0xff, 0xff, 0xff])],
    ['nested arrays', Buffer.alloc(5000, 0x91)],
    ['nested arrays of 65,535', Buffer.from(Array<number[]>(24_000).fill([0xdc, 0xff, 0xff]).flat())],
  ])('%s in the packed entries: what is before it is stored, and the frame is acked', async (_, rest) => {
    client.send(frame(['app', Buffer.concat([packed(GOOD, GOOD), rest]), { chunk: 'c' }]))
    expect(await client.receive(1)).toEqual([{ ack: 'c' }])
    expect(listener.ingest.messages).toEqual(['good', 'good'])
    expect(listener.metrics.reasons).toEqual({ entry: 1 })
  })

  it.each<[string, unknown]>([
    ['nil', null],
    ['an integer', 7],
    ['empty', ''],
    ['bin', Buffer.from('app')],
  ])('a tag that is %s: nothing of the frame is stored, and it is acked', async (_, tag) => {
    client.send(frame([tag, [GOOD], { chunk: 'c' }]))
    expect(await client.receive(1)).toEqual([{ ack: 'c' }])
    expect(listener.metrics.reasons).toEqual({ tag: 1 })
    expect(listener.ingest.stored).toEqual([])
  })

  it.each([
    [1, 'metrics'],
    [2, 'traces'],
    [9, 'signal 9'],
  ])('fluent_signal %i: nothing of the frame is stored, and it is acked', async (signal, name) => {
    client.send(frame(['app', packed(GOOD), { chunk: 'c', fluent_signal: signal }]))
    expect(await client.receive(1)).toEqual([{ ack: 'c' }])
    expect(listener.metrics.reasons).toEqual({ signal: 1 })
    expect(listener.logged.at(-1)).toMatchObject({ reason: 'signal', detail: expect.stringContaining(name) })
    expect(listener.ingest.stored).toEqual([])
  })
})

describe('odd but usable input', () => {
  it.each<[string, unknown]>([
    ['0', 0],
    ['nil', null],
    ['negative', -5],
    ['a fraction', 1.5],
    ['beyond 64 bits of nanoseconds', 9_300_000_000],
    ['a string', '2026-01-01'],
    ['a map', {}],
    ['EventTime with 1e9 ns', at(SECOND, 1_000_000_000)],
    ['EventTime of second 0', at(0, 5)],
    ['another extension', new Raw(0xd7, 0x05, Buffer.alloc(8, 1))],
    ['an extension of 4 bytes', new Raw(0xd6, 0x00, Buffer.alloc(4, 1))],
  ])('a time that is %s becomes the time of arrival', async (_, time) => {
    const before = BigInt(Date.now()) * 1_000_000n
    client.send(frame(['app', packed([time, { log: 'x' }]), { chunk: 'c' }]))
    await client.receive(1)
    const [record] = listener.ingest.stored
    expect(record?.time).toBeGreaterThanOrEqual(before)
    expect(record?.time).toBeLessThanOrEqual(BigInt(Date.now()) * 1_000_000n)
  })

  it('EventTime as ext 8 is a time', async () => {
    const time = new Raw(0xc7, 0x08, at(SECOND, 7).bytes.subarray(1))
    client.send(frame(['app', [[time, { log: 'x' }]], { chunk: 'c' }]))
    await client.receive(1)
    expect(listener.ingest.stored[0]?.time).toBe(BigInt(SECOND) * 1_000_000_000n + 7n)
  })

  it("Fluent Bit's group markers are no records", async () => {
    const entries = [[[at(0xffffffff), {}], {}], GOOD, [[at(0xfffffffe), {}], {}]]
    client.send(frame(['app', entries, { chunk: 'c' }]))
    await client.receive(1)
    expect(listener.ingest.messages).toEqual(['good'])
    expect(listener.metrics.reasons).toEqual({})
  })

  it.each([
    ['../../etc/x', '__/__/etc/x'],
    ['a\nb', 'a_b'],
    ['docker.über', 'docker._ber'],
    ['t'.repeat(MIB), 't'.repeat(1024)],
  ])('a tag like %.20s is made harmless', async (tag, expected) => {
    client.send(frame([tag, [GOOD], { chunk: 'c' }]))
    await client.receive(1)
    expect(listener.ingest.stored[0]?.stream.tag).toBe(expected)
  })

  it('a size that lies, and options that nobody knows, are ignored', async () => {
    client.send(frame(['app', packed(GOOD), { size: -1, chunk: 'c', eventEntryDataSize: 'x', more: [1, { a: 2 }] }]))
    expect(await client.receive(1)).toEqual([{ ack: 'c' }])
    expect(listener.ingest.messages).toEqual(['good'])
  })

  it('the same chunk id with other content is another chunk; with the same content, however compressed, the same', async () => {
    const other = [SECOND, { log: 'other' }]
    client.send(
      frame(['app', packed(GOOD), { chunk: 'c' }]),
      frame(['app', packed(other), { chunk: 'c' }]),
      frame(['app', gzipSync(packed(GOOD)), { chunk: 'c', compressed: 'gzip' }]),
    )
    await client.receive(3)
    const [first, second, third] = listener.ingest.stored.map(({ chunk }) => chunk)
    expect(first).not.toBe(second)
    expect(first).toBe(third)
  })

  it('one long line of equal bytes is no bomb', async () => {
    client.send(
      frame(['app', gzipSync(packed([SECOND, { log: 'x'.repeat(7 * MIB) }])), { chunk: 'c', compressed: 'gzip' }]),
    )
    expect(await client.receive(1)).toEqual([{ ack: 'c' }])
    expect(listener.ingest.stored[0]).toMatchObject({ cutFrom: 7 * MIB })
    expect(listener.ingest.stored[0]?.message).toHaveLength(MIB)
  })

  it('a frame of 16 MiB is taken, one of more is not', async () => {
    const line = 'x'.repeat(MIB - 1024)
    client.send(frame(['app', Array(15).fill([SECOND, { log: line }]), { chunk: 'c' }]))
    expect(await client.receive(1)).toEqual([{ ack: 'c' }])
    expect(listener.ingest.stored).toHaveLength(15)
    client.send(frame(['app', Buffer.alloc(16 * MIB)]))
    await client.closed
    expect(listener.metrics.reasons).toEqual({ 'frame-size': 1 })
  })

  it('a frame of very many small records is stored in pieces, and acked once', async () => {
    const entries = Buffer.alloc(50_000 * 12, frame([SECOND, { log: '' }]))
    expect(frame([SECOND, { log: '' }])).toHaveLength(12)
    client.send(frame(['app', entries, { chunk: 'c' }]))
    expect(await client.receive(1)).toEqual([{ ack: 'c' }])
    expect(listener.ingest.batches).toEqual([20_000, 20_000, 10_000])
    expect(new Set(listener.ingest.stored.map(({ ordinal }) => ordinal)).size).toBe(50_000)
  })
})
