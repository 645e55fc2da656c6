import { describe, expect, it } from 'vitest'
import { Parameters } from '../../../server/loki/parameters.ts'

const NOW = 1_795_000_000_000_000_000n
const HOUR = 3_600_000_000_000n
const of = (query: string, body?: string) => new Parameters({ url: `/x?${query}`, body }, NOW)

describe('parameters of Loki', () => {
  it.each<[string, bigint]>([
    ['1795000000', NOW],
    ['1795000000000000001', NOW + 1n],
    ['1795000000.25', NOW + 250_000_000n],
    ['2026-11-18T09:46:40.000000007Z', 1_794_995_200_000_000_007n],
    ['', NOW],
    ['9999999999999999999', 2n ** 63n - 1n],
    ['99999999999999999.9', 2n ** 63n - 1n],
  ])('are times: %s', (text, time) => {
    expect(of(`time=${encodeURIComponent(text)}`).time('time')).toBe(time)
  })

  it.each<[string, bigint, bigint]>([
    ['', NOW - HOUR, NOW],
    ['since=2h', NOW - 2n * HOUR, NOW],
    ['end=1794990000', 1_794_990_000_000_000_000n - HOUR, 1_794_990_000_000_000_000n],
    ['end=1799000000&since=30m', NOW - HOUR / 2n, 1_799_000_000_000_000_000n],
    ['start=5&end=6', 5_000_000_000n, 6_000_000_000n],
  ])('are ranges of time: %s', (query, start, end) => {
    expect(of(query).bounds()).toEqual({ start, end })
  })

  it('are steps, by default some 250 of them', () => {
    const bounds = { start: NOW - HOUR, end: NOW }
    expect(['', 'step=2000ms', 'step=300.000000', 'step=1m'].map((query) => of(query).step(bounds))).toEqual([
      14_000_000_000n,
      2_000_000_000n,
      300_000_000_000n,
      60_000_000_000n,
    ])
  })

  it('come from addresses and forms alike, several of one name', () => {
    expect(of('match=a&match[]=b', 'match=c').all('match', 'match[]')).toEqual(['a', 'c', 'b'])
    expect(of('', 'query=%7Ba%3D%22b+c%22%7D').text('query')).toBe('{a="b c"}')
  })

  it.each<[string, (parameters: Parameters) => unknown]>([
    ['time=soon', (parameters) => parameters.time('time')],
    ['start=7&end=6', (parameters) => parameters.bounds()],
    ['since=often', (parameters) => parameters.bounds()],
    ['limit=0', (parameters) => parameters.count('limit', 100)],
    ['limit=10001', (parameters) => parameters.count('limit', 100)],
    ['limit=1.5', (parameters) => parameters.count('limit', 100)],
    ['direction=up', (parameters) => parameters.order()],
    ['step=0', (parameters) => parameters.step({ start: 0n, end: NOW })],
    ['step=-1m', (parameters) => parameters.step({ start: 0n, end: NOW })],
  ])('are refused: %s', (query, read) => {
    expect(() => read(of(query))).toThrow(/^cannot/)
  })
})
