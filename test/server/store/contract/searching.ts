import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { messageMatches, streamMatches } from '../../../../server/query/filter.ts'
import { type Filter, MAX_GREP_CHARS, type Query } from '../../../../server/query/query.ts'
import type { Store } from '../../../../server/store/store.ts'
import { comparePositions, positionOf, type StoredRecord } from '../../../../shared/record.ts'
import {
  API,
  collect,
  DAY,
  expectStrictOrder,
  linesOf,
  messages,
  NOON,
  queryOf,
  recordOf,
  SECOND,
  type StoreUnderTest,
  streamOf,
  WEB,
} from '../records.ts'

/** What search must find, and in which order. */
export function searchingContract(under: () => StoreUnderTest): void {
  const store = (): Store => under().store

  describe('search', () => {
    const records = [
      ...linesOf(WEB, 40),
      ...linesOf(API, 40, { source: 'stderr' }),
      ...linesOf(streamOf('db', { stack: 'data', service: 'data_db', nodeId: 'node2', nodeName: 'worker-2' }), 40),
    ]
    beforeEach(async () => {
      await store().append(records)
    })

    it('yields the total order, up and down', async () => {
      const up = await collect(store())
      expect(up).toHaveLength(120)
      expectStrictOrder(up)
      expect(await collect(store(), queryOf({ order: 'desc' }))).toEqual(up.toReversed())
    })

    it.each<[string, Partial<Filter>, number]>([
      ['a service', { services: ['shop_web'] }, 40],
      ['a glob', { services: ['shop_*'] }, 80],
      ['alternatives', { services: ['shop_web', 'data_db'] }, 80],
      ['stack and node', { stacks: ['shop'], nodes: ['worker-0'] }, 40],
      ['a task', { tasks: ['shop_web.1'] }, 40],
      ['a container by its id', { containers: ['container-d'] }, 40],
      ['a source', { sources: ['stderr'] }, 40],
      ['both sources', { sources: ['stderr', 'stdout'] }, 120],
      ['a substring, whatever its case', { grep: 'LINE 3' }, 33],
      ['a substring with characters that SQL knows', { grep: "%'_\\" }, 0],
      ['streams by a function', { accepts: (stream) => stream.stack === 'data' }, 40],
      ['nothing that there is', { services: ['nope'] }, 0],
    ])('filters by %s', async (_, filter, expected) => {
      expect(await collect(store(), queryOf({}, filter))).toHaveLength(expected)
    })

    it('includes since and excludes until', async () => {
      const web = { services: ['shop_web'] }
      const range = { since: NOON + 1_000_000n, until: NOON + 3_000_000n }
      expect(await messages(store(), queryOf(range, web))).toEqual(['line 1', 'line 2'])
      expect(await messages(store(), queryOf({ since: range.until, until: range.since }, web))).toEqual([])
      expect(await collect(store(), queryOf({ since: -(2n ** 70n), until: 2n ** 70n }))).toHaveLength(120)
    })

    it.each(['asc', 'desc'] as const)('goes on behind any place, %s', async (order) => {
      const all = await collect(store(), queryOf({ order }))
      const paged: StoredRecord[] = []
      for (let last: StoredRecord | undefined; ; ) {
        const after = last === undefined ? {} : { after: positionOf(last) }
        const page = await collect(store(), queryOf({ order, limit: 7, ...after }))
        if (page.length === 0) break
        paged.push(...page)
        last = page.at(-1)
      }
      expect(paged).toEqual(all)
    })

    it.each(['asc', 'desc'] as const)('goes on behind a place that is not among the records, %s', async (order) => {
      const sign = order === 'asc' ? 1 : -1
      for (const containerId of ['', 'container-a', 'container-b', 'zzz']) {
        for (const nodeId of ['', 'node0', 'node1', 'zzz']) {
          const after = { time: NOON + 5_000_000n, nodeId, containerId, source: 'stdout' as const, ordinal: 0 }
          const behind = (await collect(store(), queryOf({ order }))).filter(
            (record) => sign * comparePositions(positionOf(record), after) > 0,
          )
          expect(await collect(store(), queryOf({ order, after }))).toEqual(behind)
        }
      }
    })

    it('gives the newest N, of all or of each task, in the order asked for', async () => {
      const all = await collect(store())
      expect(await collect(store(), queryOf({ newest: 5 }))).toEqual(all.slice(-5))
      expect(await collect(store(), queryOf({ newest: 5, order: 'desc' }))).toEqual(all.slice(-5).toReversed())
      expect(await collect(store(), queryOf({ newest: 500 }))).toEqual(all)
      expect(await collect(store(), queryOf({ newest: 0 }))).toEqual([])
      const perTask = await collect(store(), queryOf({ newest: 2, perTask: true }))
      expect(perTask).toEqual(all.slice(-6))
      const found = await messages(store(), queryOf({ newest: 2, perTask: true }, { grep: 'line 1' }))
      expect(found).toEqual(['line 18', 'line 18', 'line 18', 'line 19', 'line 19', 'line 19'])
      const until = NOON + 10_000_000n
      expect(await messages(store(), queryOf({ newest: 1, until }, { services: ['shop_web'] }))).toEqual(['line 9'])
    })

    it('pages through the newest N', async () => {
      for (const order of ['asc', 'desc'] as const) {
        const whole = await collect(store(), queryOf({ newest: 10, order }))
        const first = await collect(store(), queryOf({ newest: 10, order, limit: 4 }))
        const last = first.at(-1)
        const after = last === undefined ? {} : { after: positionOf(last) }
        expect([...first, ...(await collect(store(), queryOf({ newest: 10, order, ...after })))]).toEqual(whole)
      }
    })

    it.each([false, true])('pages through the newest N over several days, of each task: %s', async (perTask) => {
      for (let days = 1n; days <= 4n; days++) await store().append(linesOf(WEB, 9, { time: NOON - days * DAY }))
      await store().append(linesOf(API, 9, { time: NOON - 3n * DAY }))
      for (const order of ['asc', 'desc'] as const) {
        for (const newest of [3, 60, 71, 83, 500]) {
          const whole = await collect(store(), queryOf({ newest, perTask, order }))
          for (const last of [whole[0], whole[Math.floor(whole.length / 2)], whole.at(-2)]) {
            const behind = last === undefined ? whole : whole.slice(whole.indexOf(last) + 1)
            const after = last === undefined ? {} : { after: positionOf(last) }
            expect(await collect(store(), queryOf({ newest, perTask, order, ...after }))).toEqual(behind)
            expect(await collect(store(), queryOf({ newest, perTask, order, ...after, limit: 2 }))).toEqual(
              behind.slice(0, 2),
            )
          }
        }
      }
    })

    it.each(['asc', 'desc'] as const)('keeps deep places while lines are being written, %s', async (order) => {
      const { lastReceived: receivedUpTo } = store()
      const all = await collect(store(), queryOf({ order, receivedUpTo }))
      const paged: StoredRecord[] = []
      for (let round = 0; round <= 12; round++) {
        const last = paged.at(-1)
        const after = last === undefined ? {} : { after: positionOf(last) }
        const reading = collect(store(), queryOf({ order, receivedUpTo, limit: 10, ...after }))
        // Before, at and behind the place where the walk is.
        const writing = store().append([
          ...linesOf(WEB, 3, { time: NOON - BigInt(round + 1) * SECOND }),
          recordOf(API, { time: last?.time ?? NOON, ordinal: round + 50 }),
          ...linesOf(API, 3, { time: NOON + BigInt(round + 1) * SECOND }),
        ])
        paged.push(...(await reading))
        await writing
      }
      expect(paged).toEqual(all)
    })

    it('chooses by commit', async () => {
      const before = store().lastReceived
      const { received } = await store().append([recordOf(WEB, { time: NOON - 5n, message: 'late' })])
      expect(await messages(store(), queryOf({ receivedAfter: before }))).toEqual(['late'])
      expect(await messages(store(), queryOf({ receivedAfter: received }))).toEqual([])
      expect(await collect(store(), queryOf({ receivedUpTo: before }))).toHaveLength(120)
      expect(await collect(store(), queryOf({ receivedUpTo: received }))).toHaveLength(121)
    })

    it('up to a commit, also while the next ones come in', async () => {
      for (let round = 0; round < 20; round++) {
        const { lastReceived: receivedUpTo } = store()
        const record = recordOf(WEB, { time: NOON + BigInt(round), ordinal: 1 })
        const searches = Array.from({ length: 4 }, () => collect(store(), queryOf({ receivedUpTo })))
        await store().append([record])
        for (const found of await Promise.all(searches)) expect(found).toHaveLength(120 + round)
      }
    })

    it('for a text of up to 512 characters, and refuses a longer one', async () => {
      expect(await collect(store(), queryOf({}, { grep: 'x'.repeat(MAX_GREP_CHARS) }))).toEqual([])
      const longer = collect(store(), queryOf({}, { grep: 'x'.repeat(MAX_GREP_CHARS + 1) }))
      await expect(longer).rejects.toMatchObject({ code: 'SWARMLOGS_LIMIT' })
    })

    it('ends when its signal aborts, and leaves the store well', async () => {
      const controller = new AbortController()
      let count = 0
      for await (const batch of store().search(queryOf(), controller.signal)) {
        count += batch.length
        controller.abort()
      }
      expect(count).toBeLessThanOrEqual(120)
      expect(await collect(store(), queryOf(), AbortSignal.abort())).toEqual([])
      expect(await collect(store())).toHaveLength(120)
    })

    it('can be left in the middle', async () => {
      for (let round = 0; round < 50; round++) for await (const _ of store().search(queryOf({ limit: 1 }))) break
      expect(await collect(store())).toHaveLength(120)
    })
  })

  it('answers any question as a plain list would', async () => {
    const streams = ['a', 'b', 'c', 'd'].map((id, index) =>
      streamOf(id, { nodeId: `node${index % 2}`, service: `s${index % 3}`, taskId: index === 3 ? '' : `t${id}` }),
    )
    const records = streams.flatMap((stream, number) =>
      Array.from({ length: 120 }, (_, index) =>
        recordOf(stream, {
          time: NOON + BigInt(((index * (number + 3)) % 35) * 3_600) * SECOND - DAY, // none ahead of the clock
          ordinal: index,
          source: index % 3 === 0 ? 'stderr' : 'stdout',
          message: `${index % 2 === 0 ? 'Even' : 'odd'} ${index}`,
        }),
      ),
    )
    const kept = [...(await store().append(records)).stored].sort((a, b) =>
      comparePositions(positionOf(a), positionOf(b)),
    )
    expect(kept).toHaveLength(480)
    const time = fc.integer({ min: -30, max: 30 }).map((hours) => NOON + BigInt(hours * 3_600) * SECOND)
    const query = fc.record(
      {
        order: fc.constantFrom('asc' as const, 'desc' as const),
        since: time,
        until: time,
        limit: fc.integer({ min: 1, max: 60 }),
        newest: fc.integer({ min: 0, max: 60 }),
        perTask: fc.boolean(),
        after: fc.constantFrom(...kept.map(positionOf)),
      },
      { requiredKeys: ['order'] },
    )
    const filter = fc.record(
      {
        services: fc.subarray(['s0', 's1', 's?']),
        sources: fc.subarray<'stdout' | 'stderr'>(['stdout', 'stderr']),
        nodes: fc.subarray(['node0', 'node1']),
        grep: fc.constantFrom('', 'EVEN', 'odd 1', '7'),
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(query, filter, async (asked, chosen) => {
        const full = queryOf(asked, chosen)
        expect(await collect(store(), full)).toEqual(plainAnswer(kept, full))
      }),
      { numRuns: 60 },
    )
  })
}

/** What a query means, said over a sorted array. */
function plainAnswer(records: readonly StoredRecord[], query: Query): StoredRecord[] {
  const { since, until, newest, perTask, after, limit, filter, order } = query
  let found = records.filter(
    (record) =>
      streamMatches(filter, record.stream) &&
      messageMatches(filter, record.message) &&
      (filter.sources.length === 0 || filter.sources.includes(record.source)) &&
      (since === undefined || record.time >= since) &&
      (until === undefined || record.time < until),
  )
  if (newest !== undefined) {
    const counts = new Map<string, number>()
    found = found
      .toReversed()
      .filter(({ stream }) => {
        const task = perTask ? stream.taskId || stream.containerId : ''
        counts.set(task, (counts.get(task) ?? 0) + 1)
        return (counts.get(task) ?? 0) <= newest
      })
      .toReversed()
  }
  if (order === 'desc') found = found.toReversed()
  if (after !== undefined) {
    const sign = order === 'asc' ? 1 : -1
    found = found.filter((record) => sign * comparePositions(positionOf(record), after) > 0)
  }
  return found.slice(0, limit)
}
