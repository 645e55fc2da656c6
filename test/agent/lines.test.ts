import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Frames } from '../../agent/frames.ts'
import { Lines, MAX_MESSAGE_BYTES } from '../../agent/lines.ts'
import type { Source } from '../../shared/record.ts'
import { frame } from './fake-engine.ts'
import { cutAt, places } from './torn-bytes.ts'

const STAMP = '2026-11-21T02:38:11.386458421Z'
const LATER = '2026-11-21T02:38:11.386458422Z'
const SECONDS = 1_795_228_691

interface Decoded {
  readonly source: Source
  readonly time: string
  readonly message: string
  readonly cutFrom: number
  readonly ended: boolean
}

function decode(chunks: readonly Buffer[], { flush = false } = {}): Decoded[] {
  const decoded: Decoded[] = []
  const lines = new Lines(({ source, seconds, nanos, message, cutFrom, ended }) => {
    decoded.push({ source, time: `${seconds}.${nanos}`, message: message.toString(), cutFrom, ended })
  })
  const frames = new Frames((type, ...piece) => lines.piece(type === 2 ? 'stderr' : 'stdout', ...piece))
  for (const chunk of chunks) frames.push(chunk)
  if (flush) lines.flush()
  return decoded
}

const messages = (chunks: readonly Buffer[], options = {}) => decode(chunks, options).map(({ message }) => message)

/** A line as Docker cuts it: parts of 16 KiB with the time of the first. */
function parts(source: Source, stamp: string, message: string, end = '\n'): Buffer[] {
  const bytes = Buffer.from(message)
  const whole = Math.floor(bytes.length / 16_384)
  const full = Array.from({ length: whole }, (_, i) =>
    frame(source, stamp, bytes.subarray(i * 16_384, (i + 1) * 16_384)),
  )
  const rest = Buffer.concat([bytes.subarray(whole * 16_384), Buffer.from(end)])
  return rest.length > 0 ? [...full, frame(source, stamp, rest)] : full
}

describe('Lines', () => {
  it('takes off the timestamp, the newline, and nothing else', () => {
    const chunks = [
      frame('stdout', STAMP, 'plain\n'),
      frame('stderr', STAMP, '  spaces \r\n'),
      frame('stdout', STAMP, '\n'),
      frame('stdout', LATER, `${STAMP} not a prefix\n`),
      frame('stdout', LATER, 'a\0b\u2028c\n'),
    ]
    expect(decode(chunks)).toEqual([
      { source: 'stdout', time: `${SECONDS}.386458421`, message: 'plain', cutFrom: 0, ended: true },
      { source: 'stderr', time: `${SECONDS}.386458421`, message: '  spaces \r', cutFrom: 0, ended: true },
      { source: 'stdout', time: `${SECONDS}.386458421`, message: '', cutFrom: 0, ended: true },
      { source: 'stdout', time: `${SECONDS}.386458422`, message: `${STAMP} not a prefix`, cutFrom: 0, ended: true },
      { source: 'stdout', time: `${SECONDS}.386458422`, message: 'a\0b\u2028c', cutFrom: 0, ended: true },
    ])
  })

  it.each([1, 2, 3, 63].flatMap((k) => [-1, 0, 1].map((d) => 16_384 * k + d)))(
    'joins the parts of a line of %i bytes',
    (size) => {
      const line = 'x'.repeat(size)
      expect(messages([...parts('stdout', STAMP, line), frame('stdout', LATER, 'next\n')])).toEqual([line, 'next'])
    },
  )

  it('joins the parts of both sources though they are mixed', () => {
    const out = parts('stdout', STAMP, 'o'.repeat(40_000))
    const err = parts('stderr', STAMP, 'e'.repeat(40_000))
    const mixed = out.flatMap((part, i) => [part, err[i] ?? Buffer.alloc(0)])
    expect(decode(mixed).map(({ source, message }) => [source, message.length])).toEqual([
      ['stdout', 40_000],
      ['stderr', 40_000],
    ])
  })

  it('takes a short part without newline as a whole line: so does a container end, and so does the local driver of 20.10', () => {
    const long = parts('stdout', STAMP, 'x'.repeat(20_000), '')
    expect(messages([frame('stderr', STAMP, 'bye'), ...long])).toEqual(['bye', 'x'.repeat(20_000)])
  })

  it('ends a line of full parts when a line with another time begins, or the log has ended', () => {
    const full = parts('stdout', STAMP, 'x'.repeat(32_768), '')
    expect(decode([...full, frame('stdout', LATER, 'next\n')]).map(({ ended }) => ended)).toEqual([false, true])
    expect(decode(full)).toEqual([])
    expect(decode(full, { flush: true }).map(({ message, ended }) => [message.length, ended])).toEqual([
      [32_768, false],
    ])
  })

  it.each([
    [MAX_MESSAGE_BYTES, 0],
    [MAX_MESSAGE_BYTES + 1, MAX_MESSAGE_BYTES + 1],
    [5_000_000, 5_000_000],
  ])('keeps 1 MiB of a line of %i bytes, and says how long it was', (size, cutFrom) => {
    const [line] = decode(parts('stdout', STAMP, 'x'.repeat(size)))
    expect([line?.message.length, line?.cutFrom]).toEqual([Math.min(size, MAX_MESSAGE_BYTES), cutFrom])
  })

  it('cuts between characters', () => {
    for (const character of ['é', '€', '😀']) {
      const [line] = decode(parts('stdout', STAMP, `x${character.repeat(600_000)}`))
      expect(line?.message).toMatch(new RegExp(`^x${character}+$`, 'u'))
      expect(Buffer.byteLength(line?.message ?? '')).toBeGreaterThan(MAX_MESSAGE_BYTES - 4)
    }
  })

  it('takes a frame of megabytes', () => {
    const [line] = decode(cutAt(frame('stdout', STAMP, `${'y'.repeat(2_000_000)}\n`), [1000, 70_000, 900_000]))
    expect([line?.message.length, line?.cutFrom]).toEqual([MAX_MESSAGE_BYTES, 2_000_000])
  })

  it('gives a frame without timestamp the time of the line before it', () => {
    expect(
      decode([frame('stdout', STAMP, 'ok\n'), frame('stdout', '', 'odd\n')]).map(({ time, message }) => [
        time,
        message,
      ]),
    ).toEqual([
      [`${SECONDS}.386458421`, 'ok'],
      [`${SECONDS}.386458421`, 'odd'],
    ])
  })

  it('comes to the same lines wherever the bytes are torn', () => {
    const line = fc.record({
      source: fc.constantFrom<Source>('stdout', 'stderr'),
      message: fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom(16_383, 16_384, 33_000).map((n) => 'z'.repeat(n)),
      ),
    })
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), places, (all, cuts) => {
        const bytes = Buffer.concat(
          all.flatMap(({ source, message }, i) =>
            parts(source, `2026-11-21T02:38:1${i}.000000001Z`, message.replaceAll('\n', ' ')),
          ),
        )
        const expected = all.map(({ source, message }) => [source, message.replaceAll('\n', ' ')])
        expect(decode(cutAt(bytes, cuts)).map(({ source, message }) => [source, message])).toEqual(expected)
      }),
      { numRuns: 50 },
    )
  })
})
