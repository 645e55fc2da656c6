import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Lines } from '../../agent/lines.ts'
import { TtyFrames } from '../../agent/tty.ts'
import { cutAt, places } from './torn-bytes.ts'

const stamp = (nanos: number) => `2026-11-21T02:38:11.${String(nanos).padStart(9, '0')}Z`

function decode(chunks: readonly Buffer[], { end = true } = {}): [number, string][] {
  const decoded: [number, string][] = []
  const lines = new Lines(({ nanos, message }) => decoded.push([nanos, message.toString()]))
  const frames = new TtyFrames((_, ...piece) => lines.piece('stdout', ...piece))
  for (const chunk of chunks) frames.push(chunk)
  if (end) frames.end()
  return decoded
}

/** A line as Docker sends it for a TTY: its 16 KiB parts glued together, each behind the same time. */
function raw(nanos: number, message: string): Buffer {
  const bytes = Buffer.from(`${message}\n`)
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 16_384) {
    parts.push(Buffer.from(`${stamp(nanos)} `), bytes.subarray(at, at + 16_384))
  }
  return Buffer.concat(parts)
}

describe('TtyFrames', () => {
  it('keeps the CR and joins long lines, wherever the bytes are torn', () => {
    const message = fc.oneof(
      fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' ')),
      fc.constantFrom(16_382, 16_383, 16_384, 50_000).map((n) => 'z'.repeat(n)),
    )
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), places, (all, cuts) => {
        const bytes = Buffer.concat(all.map((text, i) => raw(i, `${text}\r`)))
        expect(decode(cutAt(bytes, cuts))).toEqual(all.map((text, i) => [i, `${text}\r`]))
      }),
      { numRuns: 50 },
    )
  })

  it('joins parts that are longer than 16 KiB, as they are when bytes became U+FFFD', () => {
    const part = '\ufffd'.repeat(10_000)
    const bytes = Buffer.from(`${stamp(1)} ${part}${stamp(1)} end\r\n`)
    expect(decode([bytes])).toEqual([[1, `${part}end\r`]])
  })

  it('takes a line that its container never ended off the line of the next run', () => {
    const bytes = Buffer.from(`${stamp(1)} / # ${stamp(2)} next run\r\n`)
    expect(decode([bytes])).toEqual([
      [1, '/ # '],
      [2, 'next run\r'],
    ])
  })

  it('leaves a time that an application printed', () => {
    const bytes = Buffer.from(`${stamp(5)} app says ${stamp(4)} hello\r\n`)
    expect(decode([bytes])).toEqual([[5, `app says ${stamp(4)} hello\r`]])
  })

  it('hands on a last line without newline when the log has ended well, not before', () => {
    const bytes = [Buffer.from(`${stamp(1)} prompt`), Buffer.from(' $ ')]
    expect(decode(bytes, { end: false })).toEqual([])
    expect(decode(bytes)).toEqual([[1, 'prompt $ ']])
  })

  it('does not hold a line without end', () => {
    const chunk = Buffer.alloc(65_536, 'x')
    const frames = new TtyFrames(() => undefined)
    frames.push(Buffer.from(`${stamp(1)} `))
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 200; i++) frames.push(chunk)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8_000_000)
  })
})
