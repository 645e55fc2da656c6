import { expect, it } from 'vitest'
import { ago } from '../../../cli/output/ago.ts'

const NOW = Date.parse('2026-11-21T12:00:00Z')
const HOUR = 3_600

it.each([
  [0, 'now'],
  [1, '1 second ago'],
  [59, '59 seconds ago'],
  [60, '1 minute ago'],
  [119, '1 minute ago'],
  [HOUR, '1 hour ago'],
  [47 * HOUR, '47 hours ago'],
  [48 * HOUR, '2 days ago'],
  [14 * 24 * HOUR, '2 weeks ago'],
  [70 * 24 * HOUR, '2 months ago'],
  [800 * 24 * HOUR, '2 years ago'],
  [-5, 'in 5 seconds'],
])('says of %d seconds: %s', (seconds, text) => {
  expect(ago(NOW - seconds * 1000, NOW)).toBe(text)
})
