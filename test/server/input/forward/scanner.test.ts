import fc from 'fast-check'
import { pack, unpack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { FrameScanner } from '../../../../server/input/forward/scanner.ts'

const MAX = 1 << 20

function scanAll(pieces: Buffer[], maxBytes = MAX): Buffer[] {
  const scanner = new FrameScanner(maxBytes)
  return pieces.flatMap((piece) => Array.from(scanner.push(piece), (frame) => Buffer.from(frame)))
}

function cutUp(bytes: Buffer, cuts: number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return places.slice(1).map((end, index) => Buffer.from(bytes.subarray(places[index], end)))
}

describe('FrameScanner', () => {
  it('finds the frames that any msgpack encoder made, however they are torn', () => {
    const value = fc.array(fc.anything({ withTypedArray: false, maxDepth: 4 }), { minLength: 1, maxLength: 6 })
    const cleaned = value.map((values) => JSON.parse(JSON.stringify(values)) as unknown[])
    const property = fc.property(
      fc.array(cleaned, { maxLength: 4 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (values, cuts) => {
        const frames = values.map((one) => pack(one))
        expect(scanAll(cutUp(Buffer.concat(frames), cuts))).toEqual(frames)
      },
    )
    fc.assert(property, { numRuns: 500 })
  })

  it('steps over heartbeats', () => {
    const frame = pack(['a', 1])
    expect(scanAll([Buffer.concat([Buffer.from([0xc0, 0xc0]), frame, Buffer.from([0xc0]), frame])])).toEqual([
      frame,
      frame,
    ])
  })

  it.each([
    ['a number', [0x01], 'not-msgpack'],
    ['HTTP', [...Buffer.from('GET / HTTP/1.1\r\n')], 'not-msgpack'],
    ['an SSH banner', [...Buffer.from('SSH-2.0-x\r\n')], 'not-msgpack'],
    ['a TLS hello', [0x16, 0x03, 0x01, 0x02, 0x00], 'not-msgpack'],
    ['a map', [0x81, 0x01, 0x02], 'not-msgpack'],
    ['an empty array', [0x90], 'not-msgpack'],
    ['an array of seven', [0x97], 'not-msgpack'],
    ['the byte that is never used', [0x92, 0xc1], 'not-msgpack'],
    ['2^31 elements', [0x92, 0xdd, 0x7f, 0xff, 0xff, 0xff], 'frame-size'],
    ['2^31 pairs', [0x92, 0xdf, 0x7f, 0xff, 0xff, 0xff], 'frame-size'],
    ['a string of 2^31 bytes', [0x92, 0xdb, 0x7f, 0xff, 0xff, 0xff], 'frame-size'],
    ['a bin of 2^32 bytes', [0x92, 0xc6, 0xff, 0xff, 0xff, 0xff], 'frame-size'],
    ['an ext of 2^32 bytes', [0x92, 0xc9, 0xff, 0xff, 0xff, 0xff, 0x00], 'frame-size'],
    ['2^31 elements at the top', [0xdd, 0x7f, 0xff, 0xff, 0xff], 'not-msgpack'],
    ['5 KB of nested arrays', Array<number>(5000).fill(0x91), 'frame-depth'],
    ['72 KB of nested arrays of 65,535', Array<number[]>(24_000).fill([0xdc, 0xff, 0xff]).flat(), 'not-msgpack'],
    ['nested arrays of 65,535', [0x92, ...Array<number[]>(24_000).fill([0xdc, 0xff, 0xff]).flat()], 'frame-size'],
  ])('refuses %s', (_, bytes, reason) => {
    expect(() => scanAll([Buffer.from(bytes)])).toThrow(expect.objectContaining({ reason }))
  })

  it('takes a frame of exactly the limit and refuses one byte more', () => {
    const frame = pack(['a', Buffer.alloc(100)])
    expect(scanAll([frame], frame.length)).toHaveLength(1)
    expect(() => scanAll([frame], frame.length - 1)).toThrow(expect.objectContaining({ reason: 'frame-size' }))
  })

  it('holds no more than twice of what came, whatever is announced', () => {
    const scanner = new FrameScanner(16 << 20)
    const before = process.memoryUsage().arrayBuffers
    for (const _ of scanner.push(Buffer.from([0x92, 0xa1, 0x61, 0xc6, 0x00, 0xf0, 0x00, 0x00]))) expect.unreachable()
    for (let i = 0; i < 1000; i++) for (const _ of scanner.push(Buffer.from([1]))) expect.unreachable()
    expect(scanner.pendingBytes).toBe(1008)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20)
  })

  it('decodes to what was packed', () => {
    const [frame] = scanAll([pack(['tag', [[1, { log: 'é' }]], { chunk: 'x' }])])
    expect(frame && unpack(frame)).toEqual(['tag', [[1, { log: 'é' }]], { chunk: 'x' }])
  })
})
