import { describe, expect, it } from 'vitest'
import type { Store } from '../../../../server/store/store.ts'
import type { LogRecord } from '../../../../shared/record.ts'
import {
  API,
  collect,
  DAY,
  linesOf,
  messages,
  NOON,
  recordOf,
  SECOND,
  type StoreUnderTest,
  streamOf,
  WEB,
} from '../records.ts'

/** What append must take, and take once. */
export function appendingContract(under: () => StoreUnderTest): void {
  const store = (): Store => under().store

  describe('append', () => {
    it('gives back what was stored, in total order, and a growing commit time', async () => {
      const first = await store().append([recordOf(WEB, { time: NOON + 1n }), recordOf(API)])
      expect(first.stored.map((record) => record.stream.service)).toEqual(['shop_api', 'shop_web'])
      expect(first.duplicates).toBe(0)
      const second = await store().append([recordOf(WEB, { time: NOON + 2n })])
      expect(second.received).toBeGreaterThan(first.received)
      expect(store().lastReceived).toBe(second.received)
      expect(await collect(store())).toEqual([...first.stored, ...second.stored])
    })

    it('takes an empty append', async () => {
      expect(await store().append([])).toMatchObject({ stored: [], duplicates: 0 })
    })

    it('takes each record once, also after a restart', async () => {
      const records = [...linesOf(WEB, 3000), ...linesOf(API, 10, { source: 'stderr' })]
      expect((await store().append(records)).stored).toHaveLength(3010)
      expect(await store().append(records)).toMatchObject({ stored: [], duplicates: 3010 })
      await under().reopen()
      const more = [...records.slice(5), recordOf(WEB, { time: NOON + DAY / 4n, message: 'new' })]
      const appended = await store().append(more)
      expect(appended.stored.map((record) => record.message)).toEqual(['new'])
      expect(appended.duplicates).toBe(3005)
      expect(await collect(store())).toHaveLength(3011)
    })

    it('takes a record once that is twice in one append, and in two at the same time', async () => {
      const records = linesOf(WEB, 50)
      const results = await Promise.all([store().append([...records, ...records]), store().append(records)])
      expect(results.map((result) => result.stored.length)).toEqual([50, 0])
      expect(results.map((result) => result.duplicates)).toEqual([50, 50])
    })

    it('tells lines of the same time apart by ordinal, source and container', async () => {
      const records = [0, 1, 2].flatMap((ordinal) => [
        recordOf(WEB, { ordinal, message: `out ${ordinal}` }),
        recordOf(WEB, { ordinal, source: 'stderr', message: `err ${ordinal}` }),
        recordOf(API, { ordinal, message: `api ${ordinal}` }),
      ])
      await store().append(records.slice(0, 4))
      const rest = await store().append(records)
      expect(rest.duplicates).toBe(4)
      expect(await messages(store())).toEqual([
        ...['api 0', 'api 1', 'api 2'],
        ...['err 0', 'err 1', 'err 2', 'out 0', 'out 1', 'out 2'],
      ])
    })

    it('knows a container by its id, whatever its other labels have become', async () => {
      const records = linesOf(WEB, 5)
      await store().append(records)
      const renamed = streamOf('web', { containerName: 'other', attributes: { a: 'b' } })
      const appended = await store().append(records.map((record) => ({ ...record, stream: renamed })))
      expect(appended.duplicates).toBe(5)
    })

    it('takes history behind newer lines, and what lies between', async () => {
      const at = (seconds: bigint): LogRecord => recordOf(WEB, { time: NOON + seconds * SECOND, message: `${seconds}` })
      await store().append([at(100n), at(200n)])
      await store().append([at(0n), at(10n)])
      await store().append([at(150n), at(20n), at(200n), at(10n)])
      expect(await messages(store())).toEqual(['0', '10', '20', '100', '150', '200'])
    })

    it('stores a batch that goes over several days', async () => {
      const records = [3n, 2n, 1n, 0n].map((days) => recordOf(WEB, { time: NOON - days * DAY, message: `${days}` }))
      const { stored, received } = await store().append(records)
      expect(new Set(stored.map((record) => record.received))).toEqual(new Set([received]))
      expect(await messages(store())).toEqual(['3', '2', '1', '0'])
      expect((await store().append(records)).duplicates).toBe(4)
    })

    it('keeps all that a record carries', async () => {
      const record = recordOf(
        streamOf('odd', { attributes: { tier: 'a', __proto__x: '1', 'com.x': '"\n\0' }, slot: 0 }),
        {
          source: 'stderr',
          ordinal: 7,
          cutFrom: 5_000_000,
          headMissing: true,
          level: 'warn',
          fields: '{"a.b":1}',
          message: 'with\ttab and CR\r',
        },
      )
      const { received } = await store().append([record])
      await under().reopen()
      expect(await collect(store())).toEqual([{ ...record, received }])
    })
  })

  describe('a group of equal times whose head may be missing', () => {
    const group = (texts: readonly string[], headMissing: boolean, from = 0): LogRecord[] =>
      texts.map((message, index) => recordOf(WEB, { ordinal: from + index, message, headMissing }))

    it.each<[string, readonly string[], readonly string[], readonly string[]]>([
      ['the same lines', ['a', 'b'], ['a', 'b'], ['a', 'b']],
      ['its tail', ['a', 'b', 'c'], ['b', 'c'], ['a', 'b', 'c']],
      ['its tail and more', ['a', 'b', 'c'], ['c', 'd'], ['a', 'b', 'c', 'd']],
      ['equal lines, fewer', ['x', 'x', 'x'], ['x', 'x'], ['x', 'x', 'x']],
      ['equal lines, more', ['x'], ['x', 'x'], ['x', 'x']],
    ])('meets %s', async (_, stored, again, expected) => {
      await store().append(group(stored, false))
      await store().append(group(again, true))
      await under().reopen()
      await store().append(group(again, true))
      expect(await messages(store())).toEqual(expected)
    })

    it('is taken whole when it comes in several appends', async () => {
      await store().append(group(['x', 'x'], true))
      await store().append(group(['x', 'x'], true, 2))
      expect(await messages(store())).toEqual(['x', 'x', 'x', 'x'])
    })

    it('is completed when its head is found later', async () => {
      await store().append(group(['c', 'd'], true))
      const appended = await store().append(group(['a', 'b', 'c', 'd'], false))
      expect(appended.stored.map((record) => record.message)).toEqual(['a', 'b'])
      expect((await messages(store())).sort()).toEqual(['a', 'b', 'c', 'd'])
    })

    it('is stored, when nothing is there yet, interleaved with other groups', async () => {
      const at = (time: bigint, ordinal: number): LogRecord =>
        recordOf(WEB, { time, ordinal, headMissing: true, message: 'x' })
      await store().append([at(NOON, 0), at(NOON, 1), at(NOON + 1n, 0), at(NOON + 1n, 1)])
      expect(await collect(store())).toHaveLength(4)
    })
  })
}
