import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { Retention } from '../../../../server/retention.ts'
import { Counts } from '../../../../server/store/elasticsearch/counts.ts'
import { Names } from '../../../../server/store/elasticsearch/names.ts'
import { expiredIndices } from '../../../../server/store/elasticsearch/retention.ts'
import { Streams } from '../../../../server/store/elasticsearch/streams.ts'

const NOW = BigInt(Date.parse('2026-11-21T12:00:00Z')) * 1_000_000n
const DAY_MS = 86_400_000
const names = new Names('swarmlogs')

function expired(days: Record<string, number>, limits: { retentionMs: number; maxBytes?: number }): string[] {
  const sizes = new Map(Object.entries(days).map(([index, bytes]) => [index, { records: 1, bytes }]))
  const counts = new Counts()
  for (const index of sizes.keys()) counts.replace(index, new Map([['a', { records: 1, first: 0n, last: 0n }]]))
  const retention = Retention.same(limits.retentionMs)
  const options = { urls: [], log: pino({ level: 'silent' }), ...limits }
  return expiredIndices({ names, counts, options, retention, streams: new Streams() }, sizes, NOW).map(
    ({ index }) => index,
  )
}

describe('expiredIndices', () => {
  const days = {
    'swarmlogs-2026.11.18': 10,
    'swarmlogs-2026.11.19': 10,
    'swarmlogs-odd-2026.11.18': 10,
    'swarmlogs-2026.11.21': 10,
  }

  it('takes the days whose end is too long ago', () => {
    expect(expired(days, { retentionMs: 2 * DAY_MS })).toEqual(['swarmlogs-2026.11.18', 'swarmlogs-odd-2026.11.18'])
    expect(expired(days, { retentionMs: 9 * DAY_MS })).toEqual([])
  })

  it('takes the oldest days while all are too large, but never the last', () => {
    expect(expired(days, { retentionMs: 9 * DAY_MS, maxBytes: 25 })).toHaveLength(2)
    expect(expired(days, { retentionMs: 9 * DAY_MS, maxBytes: 1 })).not.toContain('swarmlogs-2026.11.21')
  })

  it('touches no other index', () => {
    const others = { 'swarmlogs-meta': 99, 'swarmlogs-2': 99, 'other-2020.01.01': 99, 'swarmlogs-x-2020.01.01': 99 }
    expect(expired(others, { retentionMs: DAY_MS, maxBytes: 1 })).toEqual([])
  })
})
