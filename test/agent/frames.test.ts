import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Frames, type FrameType } from '../../agent/frames.ts'
import { cutAt, places } from './torn-bytes.ts'

interface Whole {
  readonly type: number
  readonly payload: string
}

function header(type: number, length: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes[0] = type
  bytes.writeUInt32BE(length, 4)
  return bytes
}

const encode = ({ type, payload }: Whole) =>
  Buffer.concat([header(type, Buffer.byteLength(payload)), Buffer.from(payload)])

/** Pushes the chunks and puts the pieces together again. */
function decode(chunks: readonly Buffer[]): { frames: Whole[]; pieces: number[] } {
  const frames: Whole[] = []
  const pieces: number[] = []
  let parts: Buffer[] = []
  const sink = (type: FrameType, buffer: Buffer, start: number, end: number, first: boolean, last: boolean) => {
    if (first) parts = []
    parts.push(Buffer.from(buffer.subarray(start, end)))
    pieces.push(end - start)
    if (last) frames.push({ type, payload: Buffer.concat(parts).toString() })
  }
  const demuxer = new Frames(sink)
  for (const chunk of chunks) demuxer.push(chunk)
  return { frames, pieces }
}

describe('Frames', () => {
  const frame = fc.record({
    type: fc.integer({ min: 0, max: 3 }),
    payload: fc.string({ unit: 'binary', maxLength: 40 }),
  })

  it('finds the same frames wherever the bytes are torn', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 20 }), places, (frames, cuts) => {
        expect(decode(cutAt(Buffer.concat(frames.map(encode)), cuts)).frames).toEqual(frames)
      }),
    )
  })

  it('takes one byte at a time', () => {
    const frames = [
      { type: 1, payload: 'hello\n' },
      { type: 2, payload: '' },
      { type: 1, payload: 'x'.repeat(300) },
    ]
    const bytes = Buffer.concat(frames.map(encode))
    expect(decode(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))).frames).toEqual(frames)
  })

  it('takes a chunk of thousands of empty frames', () => {
    const chunk = Buffer.concat(Array.from({ length: 8192 }, () => header(1, 0)))
    expect(decode([chunk, chunk]).frames).toHaveLength(16_384)
  })

  it('hands a huge frame on in pieces, the first of them 64 KiB', () => {
    const huge = { type: 2, payload: 'x'.repeat(3_000_000) }
    const bytes = encode(huge)
    const chunks = Array.from({ length: Math.ceil(bytes.length / 50_000) }, (_, i) =>
      bytes.subarray(i * 50_000, (i + 1) * 50_000),
    )
    const { frames, pieces } = decode([...chunks, encode({ type: 1, payload: 'next' })])
    expect(frames.map(({ type, payload }) => [type, payload.length])).toEqual([
      [2, 3_000_000],
      [1, 4],
    ])
    expect(pieces[0]).toBe(65_536)
    expect(Math.max(...pieces)).toBe(65_536)
  })

  it.each([
    ['a type above 3', Buffer.from([4, 0, 0, 0, 0, 0, 0, 1])],
    ['bytes that must be zero', Buffer.from([1, 1, 0, 0, 0, 0, 0, 1])],
    ['text', Buffer.from('HTTP/1.1')],
  ])('throws at a header with %s', (_, bytes) => {
    expect(() => decode([encode({ type: 1, payload: 'ok' }), bytes])).toThrow(
      expect.objectContaining({
        code: 'SWARMLOGS_PROTOCOL',
        message: expect.stringMatching(/^cannot read the log stream/),
      }),
    )
  })

  it('holds no more than 64 KiB of a frame that says it has 4 GiB', () => {
    const demuxer = new Frames(() => undefined)
    const before = process.memoryUsage().arrayBuffers
    demuxer.push(header(1, 0xffffffff))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200_000)
  })
})
