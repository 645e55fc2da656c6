import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { Counts } from '../../../../server/store/elasticsearch/counts.ts'
import { dueDays } from '../../../../server/store/elasticsearch/due.ts'
import { Indices } from '../../../../server/store/elasticsearch/indices.ts'
import { Names } from '../../../../server/store/elasticsearch/names.ts'
import { Requests } from '../../../../server/store/elasticsearch/requests.ts'

const NOW_MS = Date.parse('2026-11-21T12:00:00Z')
const DAY_MS = 86_400_000
const OPTIONS = { urls: ['http://localhost:1'], retentionMs: 30 * DAY_MS, log: pino({ level: 'silent' }) }
const DAYS = ['2026.11.17', 'late-2026.11.18.1', '2026.11.19', '2026.11.20', '2026.11.21', 'odd-2026.11.16']

/** Days that are due of those above, of a hundred bytes each, but for those without a line. */
function due(maxBytes: number, { damaged = [], empty = [] }: { damaged?: string[]; empty?: string[] } = {}): string[] {
  const names = new Names('swarmlogs')
  const indices = new Indices(new Requests(OPTIONS), names, OPTIONS)
  const counts = new Counts()
  const all = DAYS.map((day) => `swarmlogs-${day}`)
  indices.add(all)
  for (const index of all) {
    const records = empty.some((day) => index.endsWith(day)) ? 0 : 5
    counts.replace(index, new Map([['a', { records, first: 0n, last: 0n }]]))
  }
  const sizes = new Map(all.map((index) => [index, { records: 5, bytes: 100 }]))
  const tier = { status: () => ({ damaged }) as never, sealed: [] }
  return dueDays({ names, indices, counts, options: { maxBytes }, sizes }, tier, {
    afterMs: 2 * DAY_MS,
    nowMs: NOW_MS,
  })
}

describe('dueDays', () => {
  it('takes days that ended long ago and have lines, oldest first', () => {
    expect(due(10_000)).toEqual(['2026.11.17', '2026.11.18'])
    expect(due(10_000, { empty: ['2026.11.17'] })).toEqual(['2026.11.18'])
    expect(due(10_000, { damaged: ['2026-11-18.1/words'] })).toEqual(['2026.11.17'])
  })

  it('takes the oldest before its time where there is nearly more than may be, never today', () => {
    const few = { empty: ['2026.11.17', '2026.11.18.1'] }
    expect(due(700, few)).toEqual([])
    expect(due(650, few)).toEqual(['2026.11.19'])
    expect(due(100, { empty: [...few.empty, '2026.11.19', '2026.11.20'] })).toEqual([])
  })
})
