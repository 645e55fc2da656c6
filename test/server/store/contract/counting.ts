import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { MAX_GREP_CHARS, type Scope } from '../../../../server/query/query.ts'
import { HISTOGRAM_KEYS, type HistogramWish, MAX_COUNTS } from '../../../../server/store/histogram.ts'
import type { Store } from '../../../../server/store/store.ts'
import { API, collect, DAY, linesOf, NOON, queryOf, recordOf, SECOND, type StoreUnderTest, WEB } from '../records.ts'
import { plainFacets, plainHistogram, readable, readableFacets } from '../tallies.ts'

const MINUTE = 60n * SECOND

/** What count and histogram must answer. */
export function countingContract(under: () => StoreUnderTest): void {
  const store = (): Store => under().store
  const bars = async (wish: HistogramWish, scope: Scope = queryOf()): Promise<unknown> =>
    readable(await store().histogram(scope, wish))

  describe('count and histogram', () => {
    beforeEach(async () => {
      await store().append([
        ...linesOf(WEB, 40, { level: 'error' }),
        ...linesOf(API, 20, { source: 'stderr', time: NOON + MINUTE - 10_000_000n }),
        recordOf(WEB, { time: NOON - DAY, message: `${'long '.repeat(5_000)}end` }),
        recordOf(WEB, { time: NOON + 1n, ordinal: 5, message: 'Straße' }),
        recordOf(WEB, { time: -1n, message: 'before 1970' }),
        recordOf(WEB, { time: -MINUTE, message: 'before 1970' }),
      ])
    })

    it('counts what a search finds', async () => {
      expect(await store().count(queryOf())).toBe(64)
      expect(await store().count(queryOf({}, { services: ['shop_web'], sources: ['stderr'] }))).toBe(0)
      expect(await store().count(queryOf({}, { services: ['nope'] }))).toBe(0)
      expect(await store().count(queryOf({ since: NOON + 1n, until: NOON + 1_000_001n }))).toBe(2)
      expect(await store().count(queryOf({ since: NOON + 1n, until: NOON + 1_000_000n }))).toBe(1)
      expect(await store().count(queryOf({}, { grep: 'LINE 1' }))).toBe(22)
      expect(await store().count(queryOf({}, { grep: 'ong lon' }))).toBe(1)
      expect(await store().count(queryOf({}, { grep: 'g end' }))).toBe(1)
    })

    it('counts up to a commit and behind one', async () => {
      const { lastReceived } = store()
      await store().append([recordOf(API, { time: NOON + 3n })])
      expect(await store().count(queryOf({ receivedUpTo: lastReceived }))).toBe(64)
      expect(await store().count(queryOf({ receivedAfter: lastReceived }))).toBe(1)
      expect(await store().count(queryOf())).toBe(65)
    })

    it('counts by time, empty buckets left out', async () => {
      expect(await bars({ interval: MINUTE, by: 'none' })).toEqual([
        [-MINUTE, { '': 2 }],
        [NOON - DAY, { '': 1 }],
        [NOON, { '': 51 }],
        [NOON + MINUTE, { '': 10 }],
      ])
      const recent = queryOf({ since: NOON })
      expect(await bars({ interval: DAY, by: 'level' }, recent)).toEqual([[NOON - DAY / 2n, { '': 21, error: 40 }]])
      expect(await bars({ interval: MINUTE, by: 'service' }, recent)).toEqual([
        [NOON, { shop_web: 41, shop_api: 10 }],
        [NOON + MINUTE, { shop_api: 10 }],
      ])
      expect(await bars({ interval: DAY, by: 'node' }, recent)).toEqual([
        [NOON - DAY / 2n, { 'worker-1': 41, 'worker-0': 20 }],
      ])
      expect(await bars({ interval: DAY, by: 'source' }, recent)).toEqual([
        [NOON - DAY / 2n, { stdout: 41, stderr: 20 }],
      ])
      expect(await bars({ interval: DAY, by: 'source' }, queryOf({}, { services: ['nope'] }))).toEqual([])
    })

    it('counts by the nanosecond', async () => {
      const range = queryOf({ since: NOON, until: NOON + 1_000_001n })
      expect(await bars({ interval: 1n, by: 'none' }, range)).toEqual([
        [NOON, { '': 1 }],
        [NOON + 1n, { '': 1 }],
        [NOON + 1_000_000n, { '': 1 }],
      ])
    })

    it('counts by buckets that begin elsewhere', async () => {
      const wish = { interval: SECOND, origin: 1n, by: 'level' } as const
      const range = queryOf({ since: NOON, until: NOON + SECOND }, { services: ['shop_web'] })
      expect(await bars(wish, range)).toEqual([
        [NOON - SECOND + 1n, { error: 1 }],
        [NOON + 1n, { error: 39, '': 1 }],
      ])
    })

    it('counts by time and by text as a plain list would', async () => {
      const all = await collect(store())
      const scope = fc.record({
        since: fc.constantFrom(NOON, NOON + 1n, NOON - DAY, -1n, -MINUTE),
        until: fc.constantFrom(NOON + MINUTE, NOON + 1_000_001n, 0n),
        grep: fc.constantFrom('', '', 'LINE', 'e 1', '\u00df', 'long end', '0'),
        interval: fc.constantFrom(1n, 7n, 1_000_000n, 3_000_000n, SECOND, 7n * MINUTE, DAY, 2n ** 63n - 1n),
        by: fc.constantFrom(...HISTOGRAM_KEYS),
        origin: fc.constantFrom(0n, 0n, 1n, 2_000_000n, 2_000_001n, 5n),
      })
      await fc.assert(
        fc.asyncProperty(scope, async ({ since, until, grep, interval, by, origin: some }) => {
          const asked = queryOf({ since, until }, { grep })
          const found = all.filter(
            ({ time, message }) => time >= since && time < until && message.toLowerCase().includes(grep.toLowerCase()),
          )
          expect(await store().count(asked)).toBe(found.length)
          const wish = { interval, by, origin: some % interval }
          expect(await bars(wish, asked)).toEqual(plainHistogram(found, wish))
          expect(readableFacets(await store().facets(asked))).toEqual(plainFacets(found))
        }),
        { numRuns: 40 },
      )
    })

    it('counts by stream, source and level', async () => {
      expect(readableFacets(await store().facets(queryOf({ since: NOON })))).toEqual([
        ['container-api', 'stderr', '', 20],
        ['container-web', 'stdout', '', 1],
        ['container-web', 'stdout', 'error', 40],
      ])
      expect(await store().facets(queryOf({}, { services: ['nope'] }))).toEqual([])
    })

    it('refuses what would be too much, and intervals that are none', async () => {
      const refusal = expect.objectContaining({ code: 'SWARMLOGS_USAGE', message: expect.stringMatching(/^cannot/) })
      for (const interval of [0n, -1n, 2n ** 63n])
        await expect(store().histogram(queryOf(), { interval, by: 'none' })).rejects.toEqual(refusal)
      await expect(store().count(queryOf({}, { grep: 'x'.repeat(MAX_GREP_CHARS + 1) }))).rejects.toMatchObject({
        code: 'SWARMLOGS_LIMIT',
      })
      await store().append(linesOf(API, MAX_COUNTS + 1, { time: NOON + 2n * MINUTE }))
      await expect(store().histogram(queryOf(), { interval: 1_000_000n, by: 'none' })).rejects.toEqual(refusal)
      expect(await bars({ interval: 2n * DAY, by: 'none' }, queryOf({ since: NOON }))).toHaveLength(1)
    })

    it('is rejected when its signal aborts, and leaves the store well', async () => {
      const signal = AbortSignal.abort()
      await expect(store().count(queryOf(), signal)).rejects.toThrow()
      await expect(store().histogram(queryOf(), { interval: DAY, by: 'level' }, signal)).rejects.toThrow()
      await expect(store().facets(queryOf(), signal)).rejects.toThrow()
      expect(await store().count(queryOf())).toBe(64)
    })
  })
}
