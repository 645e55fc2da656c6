import fc from 'fast-check'
import { expect, it } from 'vitest'
import { intervalOf, spanOf, stepsOf, type Windows, windowsWith } from '../../../server/loki/windows.ts'

const windows = fc.record({
  start: fc.bigInt(-50n, 50n),
  step: fc.bigInt(1n, 12n),
  count: fc.integer({ min: 1, max: 8 }),
  range: fc.bigInt(1n, 30n),
})

it('finds the windows that have a time: those that end with it or later, and begin before it', () => {
  fc.assert(
    fc.property(windows, fc.bigInt(-120n, 200n), (all, time) => {
      const found = ends(all).flatMap((end, at) => (end - all.range < time && time <= end ? [at] : []))
      const [first, last] = windowsWith(all, time) ?? []
      expect([first, last]).toEqual([found.at(0), found.at(-1)])
    }),
  )
})

it('spans all windows, and no more', () => {
  fc.assert(
    fc.property(windows, (all) => {
      const { since, until } = spanOf(all)
      expect([windowsWith(all, since), windowsWith(all, until - 1n)]).not.toContain(undefined)
      expect([windowsWith(all, since - 1n), windowsWith(all, until)]).toEqual([undefined, undefined])
    }),
  )
})

it('has intervals that are in a window with all or nothing of their time', () => {
  fc.assert(
    fc.property(windows, fc.bigInt(-60n, 60n), (all, index) => {
      const { interval, origin } = intervalOf(all)
      expect(origin >= 0n && origin < interval).toBe(true)
      const begin = origin + index * interval
      const inside = Array.from({ length: Number(interval) }, (_, at) => windowsWith(all, begin + BigInt(at)))
      if (all.count > 1) for (const one of inside) expect(one).toEqual(inside[0])
    }),
  )
})

it('refuses more points than Loki answers', () => {
  expect(stepsOf(0n, 11_000n, 1n).count).toBe(11_001)
  expect(() => stepsOf(0n, 11_001n, 1n)).toThrow('11000 points')
})

function ends({ start, step, count }: Windows): bigint[] {
  return Array.from({ length: count }, (_, at) => start + step * BigInt(at))
}
