import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StampReader } from '../../agent/stamp.ts'

function read(...texts: string[]): (readonly [number, number, number])[] {
  const reader = new StampReader()
  return texts.map((text) => {
    const bytes = Buffer.from(`..${text}`)
    const length = reader.read(bytes, 2, bytes.length)
    return [length, reader.seconds, reader.nanos]
  })
}

describe('StampReader', () => {
  it.each([
    ['2026-11-21T02:38:11.386458421Z x', [31, 1_795_228_691, 386_458_421]],
    ['2026-11-21T02:38:11Z x', [21, 1_795_228_691, 0]],
    ['2026-11-21T02:38:11.5Z x', [23, 1_795_228_691, 500_000_000]],
    ['2026-11-21T04:38:11.386458421+02:00 x', [36, 1_795_228_691, 386_458_421]],
    ['2026-11-20T21:08:11.386458421-05:30 x', [36, 1_795_228_691, 386_458_421]],
    ['1969-12-31T23:59:59.000000001Z x', [31, -1, 1]],
    ['0001-01-01T00:00:00.000000000Z x', [31, -62_135_596_800, 0]],
    ['9999-12-31T23:59:59.999999999Z x', [31, 253_402_300_799, 999_999_999]],
  ])('reads %s', (text, expected) => {
    expect(read(text)).toEqual([expected])
  })

  it.each([
    '',
    'x',
    '2026-11-21T02:38:11.386458421Z',
    '2026-11-21 02:38:11Z x',
    '2026-13-41T02:38:11Z x',
    '2026-11-21T02:38:11.Z x',
  ])('finds none in %j', (text) => {
    expect(read(text)[0]?.[0]).toBe(0)
  })

  it('reads each of a run like one alone', () => {
    const time = fc.tuple(
      fc.integer({ min: 0, max: 4_000_000_000 }),
      fc.constantFrom(0, 0, 1),
      fc.nat(999_999_999),
      fc.constantFrom('Z', '+01:00'),
    )
    const texts = fc.array(time, { maxLength: 10 }).map((all) =>
      all.flatMap(([seconds, step, nanos, zone]) =>
        [0, step].map((more) => {
          const date = new Date((seconds + more) * 1000).toISOString().slice(0, 19)
          return `${date}.${String(nanos).padStart(9, '0')}${zone} x`
        }),
      ),
    )
    fc.assert(
      fc.property(texts, (all) => {
        expect(read(...all)).toEqual(all.flatMap((text) => read(text)))
      }),
    )
  })
})
