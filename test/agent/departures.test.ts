import { expect, it } from 'vitest'
import { Departures } from '../../agent/departures.ts'

it.each([
  ['15', '', true],
  ['9', '', true],
  ['1', '', false],
  ['28', 'SIGWINCH', true],
  ['3', 'QUIT', true],
  ['10', '10', true],
  ['10', 'SIGTERM', false],
])('signal %s to a container with stop signal %j stops it: %s', (signal, stopSignal, expected) => {
  expect(Departures.stops(signal, stopSignal)).toBe(expected)
})
