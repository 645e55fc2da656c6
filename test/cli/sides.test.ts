import { expect, it } from 'vitest'
import { boundsOf, readSide } from '../../cli/sides.ts'
import { formatTime } from '../../shared/time.ts'
import { NOON, SECOND } from '../server/store/records.ts'

const DAY = formatTime(NOON).slice(0, 10)
const bounds = (text: string) => {
  const side = readSide(text)
  if ('path' in side) throw new Error(`${text} is a file`)
  return boundsOf(side, NOON, 'UTC')
}

it.each([
  ['quiet.slog', { path: 'quiet.slog' }],
  ['../quiet.slog', { path: '../quiet.slog' }],
  ['3h..2h', { from: '3h', to: '2h' }],
  ['3h..', { from: '3h', to: 'now' }],
])('takes %s for %j', (text, side) => {
  expect(readSide(text)).toEqual(side)
})

it('reads times of all forms, those of the clock as the last ones before now', () => {
  const at = (seconds: number) => formatTime(NOON + BigInt(seconds) * SECOND)
  expect(bounds('3h..')).toEqual({ since: at(-10_800), until: at(0) })
  expect(bounds('09:00..10:30')).toEqual({ since: at(-10_800), until: at(-5_400) })
  expect(bounds('13:00..now')).toEqual({ since: at(3_600 - 86_400), until: at(0) })
  expect(bounds(`${DAY}T11:00..${DAY}T12:00`)).toEqual({ since: at(-3_600), until: at(0) })
  expect(() => bounds('1h..2h')).toThrow('cannot compare 1h..2h: it is empty; give the earlier time first')
  expect(() => bounds('soon..later')).toThrow('cannot compare soon..later: give times such as 10:00')
})
