import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { messageMatches, streamMatches } from '../../../server/query/filter.ts'
import type { Filter, Query } from '../../../server/query/query.ts'
import type { Store } from '../../../server/store/store.ts'
import { comparePositions, type LogRecord, positionOf, type StoredRecord } from '../../../shared/record.ts'
import { formatTime } from '../../../shared/time.ts'
import { ALL, collect, DAY, linesOf, messages, NOON, queryOf, recordOf, SECOND, streamOf } from './records.ts'

/** A store under test; `reopen` closes it and opens the same data again. */
export interface StoreUnderTest {
  store: Store
  reopen(): Promise<void>
  destroy(): Promise<void>
}

const WEB = streamOf('web')
const API = streamOf('api', { nodeId: 'node0', nodeName: 'worker-0' })

/** The tests that every store must pass. */
export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name}: store contract`, () => {
    let under: StoreUnderTest
    beforeEach(async () => {
      under = await open()
    })
    afterEach(async () => {
      await under.destroy()
    })
    const store = (): Store => under.store

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
        await under.reopen()
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
        const at = (seconds: bigint): LogRecord =>
          recordOf(WEB, { time: NOON + seconds * SECOND, message: `${seconds}` })
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
        await under.reopen()
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
        await under.reopen()
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

    describe('records of foreign senders', () => {
      const sender = streamOf('app', { nodeId: '', containerId: '', taskId: '', tag: 'app.access' })
      const chunk = (id: string, texts: readonly string[], time = NOON): LogRecord[] =>
        texts.map((message, ordinal) => recordOf(sender, { chunk: id, ordinal, message, time }))

      it('are stored once per chunk, also after a restart', async () => {
        const records = [
          ...chunk('one', ['a', 'b', 'a']),
          ...chunk('one', ['y']).map((r) => ({ ...r, ordinal: 3, time: NOON - DAY })),
        ]
        expect((await store().append(records)).stored).toHaveLength(4)
        expect((await store().append(records)).duplicates).toBe(4)
        await under.reopen()
        expect((await store().append(records)).duplicates).toBe(4)
        expect(await messages(store())).toEqual(['y', 'a', 'b', 'a'])
      })

      it('are stored although another chunk has the same lines', async () => {
        await store().append(chunk('one', ['a', 'b']))
        await store().append(chunk('two', ['a', 'b']))
        expect(await messages(store())).toEqual(['a', 'b', 'a', 'b'])
      })

      it('are stored in parts when a chunk comes in parts', async () => {
        const records = chunk('one', ['a', 'b', 'c', 'd'])
        await store().append(records.slice(0, 2))
        expect(await store().append(records)).toMatchObject({ duplicates: 2 })
        expect(await messages(store())).toEqual(['a', 'b', 'c', 'd'])
      })

      it('without a chunk id are stored as often as they come', async () => {
        await store().append(chunk('', ['a', 'b']))
        await store().append(chunk('', ['a', 'b']))
        expect(await collect(store())).toHaveLength(4)
      })

      it('of one moment keep the order of their arrival, each with a place of its own', async () => {
        await store().append(chunk('one', ['a', 'b']))
        await store().append(chunk('two', ['later'], NOON + SECOND))
        await store().append(chunk('three', ['c', 'd']))
        await under.reopen()
        const other = streamOf('app', { nodeId: '', containerId: '', taskId: '', tag: 'other' })
        await store().append([
          recordOf(other, { chunk: 'four', message: 'e' }),
          recordOf(other, { chunk: '', message: 'f' }),
        ])
        const records = await collect(store())
        expect(records.map((record) => record.message)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'later'])
        expectStrictOrder(records)
      })

      it('do not stand in the way of an agent that reads the same container', async () => {
        const tagged = { ...WEB, tag: 'docker.web' }
        await store().append([recordOf(tagged, { chunk: 'one', message: 'foreign' })])
        expect((await store().append([recordOf(WEB, { message: 'own' })])).stored).toHaveLength(1)
        expectStrictOrder(await collect(store()))
      })
    })

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

      it('chooses by commit', async () => {
        const before = store().lastReceived
        const { received } = await store().append([recordOf(WEB, { time: NOON - 5n, message: 'late' })])
        expect(await messages(store(), queryOf({ receivedAfter: before }))).toEqual(['late'])
        expect(await messages(store(), queryOf({ receivedAfter: received }))).toEqual([])
        expect(await collect(store(), queryOf({ receivedUpTo: before }))).toHaveLength(120)
        expect(await collect(store(), queryOf({ receivedUpTo: received }))).toHaveLength(121)
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
            time: NOON + BigInt(((index * (number + 3)) % 40) * 3_600) * SECOND - DAY,
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

    describe('time', () => {
      it('that runs ahead does not own the newest N', async () => {
        const now = BigInt(Date.now()) * 1_000_000n
        await store().append([recordOf(API, { time: now + 7_200n * SECOND, message: 'ahead' })])
        // Later than the other arrived, but not so far ahead that the clock must be wrong.
        await store().append(linesOf(WEB, 3, { time: now + 30n * SECOND }))
        expect(await messages(store(), queryOf({ newest: 2 }))).toEqual(['line 1', 'line 2'])
        expect(await messages(store(), queryOf({ newest: 4 }))).toEqual(['line 0', 'line 1', 'line 2', 'ahead'])
      })

      it('out of all reason is stored as it was said, found, and stored once', async () => {
        const times = [-(2n ** 80n), -1n, 0n, DAY, NOON + 4_000n * DAY, 2n ** 62n, 2n ** 80n]
        const records = times.map((time, index) => recordOf(WEB, { time, message: `${index}` }))
        await store().append([...records, recordOf(WEB, { message: 'noon' })])
        expect((await store().append(records)).duplicates).toBe(times.length)
        expect(await messages(store())).toEqual(['0', '1', '2', '3', 'noon', '4', '5', '6'])
        expect(await messages(store(), queryOf({ since: 0n, until: DAY }))).toEqual(['2'])
        expect(await messages(store(), queryOf({ order: 'desc', until: 1n }))).toEqual(['2', '1', '0'])
        expect(store().status().begins).toBe(NOON)
      })
    })

    describe('hostile content', () => {
      const texts = [
        ...[
          '',
          ' ',
          '\ufeffbom',
          "it's",
          '"quoted"',
          '\\',
          'a\0b',
          '\u2028\u2029',
          '👩‍👩‍👧 é̀',
          '\u202eevil',
          "'; DROP TABLE lines; --",
        ],
        ...['\u001b[31mred\u001b[0m', '\r', 'x'.repeat(2 ** 20), '$1 $& %s', '{"__proto__":{}}', 'ſſİıΣς'],
      ]

      it('in messages and fields comes back as it was', async () => {
        await store().append(texts.map((message, ordinal) => recordOf(WEB, { message, ordinal, fields: message })))
        await under.reopen()
        const records = await collect(store())
        expect(records.map((record) => record.message)).toEqual(texts)
        expect(records.map((record) => record.fields)).toEqual(texts)
        for (const grep of texts.filter((text) => text.length < 100)) {
          const expected = texts.filter((text) => messageMatches({ ...ALL, grep }, text))
          expect(await messages(store(), queryOf({}, { grep }))).toEqual(expected)
        }
      })

      it('in labels comes back as it was', async () => {
        const streams = texts.map((text) => {
          const label = text.slice(0, 1000)
          return streamOf('x', {
            service: label,
            nodeId: label,
            containerId: `c${label}`,
            attributes: { [label]: label },
          })
        })
        await store().append(streams.map((stream) => recordOf(stream)))
        await under.reopen()
        const found = (await collect(store())).map((record) => record.stream)
        expect(found).toHaveLength(texts.length)
        expect(found).toEqual(expect.arrayContaining(streams))
        expectStrictOrder(await collect(store()))
      })

      it('in grep finds what messageMatches finds', async () => {
        const letter = fc.constantFrom(...'aAbBéÉßİıiIſsSΣσςÅå%_\\\'"\0 .*'.split(''))
        const text = fc.array(letter, { maxLength: 6 }).map((letters) => letters.join(''))
        const stored = fc.sample(text, { numRuns: 300, seed: 1 })
        await store().append(stored.map((message, ordinal) => recordOf(WEB, { message, ordinal })))
        for (const grep of fc.sample(text, { numRuns: 40, seed: 2 })) {
          const expected = stored.filter((message) => messageMatches({ ...ALL, grep }, message))
          expect(await messages(store(), queryOf({}, { grep }))).toEqual(expected)
        }
      })
    })

    describe('long lines', () => {
      const long = (length: number, seed: number): string => {
        let text = ''
        for (let value = seed; text.length < length; value = (value * 48_271) % 2_147_483_647) text += `${value}😀 `
        return whole(text.slice(0, length))
      }
      /** Without halves of surrogate pairs at its ends. */
      const whole = (text: string): string => text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '')
      const texts = [4095, 4096, 4097, 4098, 7_680, 7_681, 20_000, 65_536, 300_000].map((length, index) =>
        long(length, index + 1),
      )
      const records = texts.flatMap((message, ordinal) => [
        recordOf(WEB, { message, ordinal, time: NOON + BigInt(ordinal % 3) }),
        recordOf(API, { message: `short ${ordinal}`, fields: message, ordinal, time: NOON + BigInt(ordinal % 3) }),
      ])

      it('come back whole, among short ones, also after a restart', async () => {
        const { stored } = await store().append(records)
        expect((await store().append(records)).duplicates).toBe(records.length)
        await under.reopen()
        expect(await collect(store())).toEqual(stored)
        expect(await collect(store(), queryOf({ order: 'desc' }))).toEqual(stored.toReversed())
        expect(await collect(store(), queryOf({ newest: 3 }))).toEqual(stored.slice(-3))
        let printed = ''
        for await (const runs of store().print(queryOf({}, { services: ['shop_web'] }), {
          timestamps: false,
          prefix: () => '',
        })) {
          for (const run of runs) printed += run.text
        }
        const own = stored.filter((record) => record.stream.service === 'shop_web')
        expect(printed).toBe(own.map((record) => `${record.message}\n`).join(''))
      })

      it('are found by any part of them', async () => {
        await store().append(records)
        for (const [index, text] of texts.entries()) {
          for (const at of [0, 3_500, 3_900, 4_090, 4_096, 7_400, 7_678, 11_000, text.length - 400]) {
            const grep = whole(text.slice(Math.min(at, text.length - 5), at + 400)).toUpperCase()
            const expected = records.filter((record) => messageMatches({ ...ALL, grep }, record.message)).length
            expect(await collect(store(), queryOf({}, { grep }))).toHaveLength(expected)
            expect(expected, `${index} at ${at}`).toBeGreaterThan(0)
          }
        }
        expect(await collect(store(), queryOf({ newest: 1 }, { grep: 'not there' }))).toEqual([])
      })
    })

    describe('print', () => {
      it('writes what search finds', async () => {
        const plain = linesOf(WEB, 3000).map((record, index) => ({
          ...record,
          source: index % 5 < 2 ? ('stderr' as const) : ('stdout' as const),
        }))
        const several = recordOf(API, { message: 'several\nlines $& \n', time: NOON - SECOND })
        await store().append([...plain, several, recordOf(API, { message: '' })])
        for (const timestamps of [true, false]) {
          const prefix = (stream: LogRecord['stream']): string => `${stream.service} | `
          let expected = ''
          for (const { time, stream, message } of await collect(store())) {
            const head = `${timestamps ? `${formatTime(time)} ` : ''}${prefix(stream)}`
            for (const line of message.split('\n')) expected += `${head}${line}\n`
          }
          let text = ''
          for await (const runs of store().print(queryOf(), { timestamps, prefix })) {
            for (const [index, run] of runs.entries()) {
              expect(run.source).not.toBe(runs[index - 1]?.source)
              text += run.text
            }
          }
          expect(text).toBe(expected)
        }
      })

      it('keeps the sources apart', async () => {
        await store().append([
          recordOf(WEB, { message: 'o' }),
          recordOf(WEB, { source: 'stderr', message: 'e', time: NOON + 1n }),
        ])
        const runs = []
        for await (const batch of store().print(queryOf(), { timestamps: false, prefix: () => '' })) runs.push(...batch)
        expect(runs).toEqual([
          { source: 'stdout', text: 'o\n' },
          { source: 'stderr', text: 'e\n' },
        ])
      })
    })

    it('lists its streams with their counts and times, and its status', async () => {
      expect(await store().streams()).toEqual([])
      expect(store().status()).toMatchObject({ writable: true, reason: '', records: 0, damaged: [] })
      expect(store().status().begins).toBeUndefined()
      await store().append([...linesOf(WEB, 3), recordOf(WEB, { time: NOON - DAY })])
      const expected = [{ stream: WEB, records: 4, first: NOON - DAY, last: NOON + 2_000_000n }]
      expect(await store().streams()).toEqual(expected)
      const { identity, lastReceived } = store()
      await under.reopen()
      expect(await store().streams()).toEqual(expected)
      expect(store().status()).toMatchObject({ writable: true, records: 4, begins: NOON - DAY })
      expect(store().identity).toEqual(identity)
      expect(store().lastReceived).toBe(lastReceived)
    })

    it('keeps named values', async () => {
      expect(await store().load('inventory')).toBeUndefined()
      await store().save('inventory', 'one')
      await store().save('inventory', '\ufefftwo \0 👍')
      await store().save('a', '')
      await under.reopen()
      expect(await store().load('inventory')).toBe('\ufefftwo \0 👍')
      expect(await store().load('a')).toBe('')
    })

    it('answers searches while it is written to', async () => {
      await store().append(linesOf(WEB, 500, { time: NOON - SECOND }))
      let isWriting = true
      const writing = (async () => {
        for (let round = 1; round < 20; round++)
          await store().append(linesOf(WEB, 500, { time: NOON + BigInt(round) * SECOND }))
        isWriting = false
      })()
      while (isWriting) {
        const found = await collect(store())
        // What a search sees is what was committed when it began: whole appends.
        expect(found.length % 500).toBe(0)
        expectStrictOrder(found)
      }
      await writing
      expect(await collect(store())).toHaveLength(10_000)
    })

    it('refuses every call once it is closed, and can be closed twice', async () => {
      const closed = store()
      await closed.append([recordOf(WEB)])
      const pending = closed.append(linesOf(API, 10))
      const open = closed.search(queryOf())[Symbol.asyncIterator]()
      await open.next()
      await Promise.all([closed.close(), closed.close()])
      expect((await pending).stored).toHaveLength(10)
      const unavailable = expect.objectContaining({ code: 'SWARMLOGS_STORE_UNAVAILABLE' })
      await expect(closed.append([recordOf(WEB)])).rejects.toEqual(unavailable)
      await expect(collect(closed)).rejects.toEqual(unavailable)
      await expect(closed.streams()).rejects.toEqual(unavailable)
      await expect(closed.save('a', 'b')).rejects.toEqual(unavailable)
      await expect(closed.load('a')).rejects.toEqual(unavailable)
      expect(() => closed.status()).toThrow(unavailable)
      const printed = closed.print(queryOf(), { timestamps: false, prefix: () => '' })[Symbol.asyncIterator]()
      await expect(printed.next()).rejects.toEqual(unavailable)
      await under.reopen()
      expect(await collect(store())).toHaveLength(11)
    })
  })
}

function expectStrictOrder(records: readonly StoredRecord[]): void {
  const wrong = records.findIndex((record, index) => {
    const before = records[index - 1]
    return before !== undefined && comparePositions(positionOf(before), positionOf(record)) >= 0
  })
  expect(wrong).toBe(-1)
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
