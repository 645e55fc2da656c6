import { expect, it } from 'vitest'
import { Setbacks } from '../../../server/store/setbacks.ts'

const MINUTE = 60_000

it('has what fails tried ever later, up to an hour, and tells only what is new', () => {
  const setbacks = new Setbacks()
  const tries: number[] = []
  for (let now = 0; now < 360 * MINUTE; now += MINUTE) {
    if (!setbacks.mayTry('day', now)) continue
    tries.push(now / MINUTE)
    expect(setbacks.fail('day', 'no line', now)).toBe(now === 0)
  }
  expect(tries).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303])
  expect(setbacks.mayTry('another', 0)).toBe(true)
  expect(setbacks.fail('day', 'another reason', 363 * MINUTE)).toBe(true)
  setbacks.clear('day')
  expect(setbacks.mayTry('day', 363 * MINUTE)).toBe(true)
  expect(setbacks.fail('day', 'another reason', 363 * MINUTE)).toBe(true)
  expect(setbacks.mayTry('day', 364 * MINUTE)).toBe(true)
})

it('does not wait for a clock that was put back', () => {
  const setbacks = new Setbacks()
  setbacks.fail('day', 'no line', 100 * MINUTE)
  expect(setbacks.mayTry('day', 100 * MINUTE)).toBe(false)
  expect(setbacks.mayTry('day', 50 * MINUTE)).toBe(true)
})
