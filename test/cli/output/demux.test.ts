import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Demux } from '../../../cli/output/demux.ts'
import { frame } from '../scripted.ts'

function demux(pieces: readonly Buffer[]): { stdout: string; stderr: string; order: number[] } {
  const demux = new Demux()
  const texts = ['', '', '']
  const order: number[] = []
  for (const piece of pieces) {
    for (const { type, bytes } of demux.push(piece)) {
      texts[type] += bytes.toString('latin1')
      if (order.at(-1) !== type) order.push(type)
    }
  }
  demux.end()
  return { stdout: texts[1] ?? '', stderr: texts[2] ?? '', order }
}

describe('Demux', () => {
  it('joins neighbours of one type to one run', () => {
    const runs = new Demux().push(
      Buffer.concat([frame(1, 'a\n'), frame(1, ''), frame(1, 'b\n'), frame(2, 'c\n'), frame(1, 'd\n')]),
    )
    expect(runs.map(({ type, bytes }) => [type, bytes.toString()])).toEqual([
      [1, 'a\nb\n'],
      [2, 'c\n'],
      [1, 'd\n'],
    ])
  })

  it('gives the same wherever the bytes are cut', () => {
    const frames = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.string({ maxLength: 40 })))
    fc.assert(
      fc.property(frames, fc.array(fc.nat(400)), (list, cuts) => {
        const all = () => Buffer.concat(list.map(([type, text]) => frame(type, text)))
        const ends = [...cuts.filter((cut) => cut < all().length).sort((a, b) => a - b), all().length]
        const bytes = all()
        const pieces = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
        expect(demux(pieces)).toEqual(demux([all()]))
      }),
    )
  })

  it('throws what an error frame says at the end, after the lines before it', () => {
    const demux = new Demux()
    const runs = demux.push(Buffer.concat([frame(1, 'a\n'), frame(3, 'cannot go on\n')]))
    expect(runs.map(({ type }) => type)).toEqual([1])
    expect(() => demux.end()).toThrow('cannot go on')
  })

  it.each([
    ['a header', frame(1, 'abc').subarray(0, 5)],
    ['a payload', frame(1, 'abc').subarray(0, 9)],
  ])('throws when the stream ends within %s', (_, bytes) => {
    const demux = new Demux()
    demux.push(Buffer.from(bytes))
    expect(() => demux.end()).toThrow('ended too early')
  })

  it('refuses a type that it does not know', () => {
    expect(() => new Demux().push(frame(7, 'x'))).toThrow('unknown type 7')
  })
})
