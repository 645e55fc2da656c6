import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageMatches } from '../../../../server/query/filter.ts'
import type { Store } from '../../../../server/store/store.ts'
import {
  ALL,
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

/** What any content and any time must survive. */
export function contentContract(under: () => StoreUnderTest): void {
  const store = (): Store => under().store

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
      await under().reopen()
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
          ...(label !== '' && { multiline: label }),
        })
      })
      await store().append(streams.map((stream) => recordOf(stream)))
      await under().reopen()
      const found = (await collect(store())).map((record) => record.stream)
      expect(found).toHaveLength(texts.length)
      expect(found).toEqual(expect.arrayContaining(streams))
      expectStrictOrder(await collect(store()))
    })

    it('is never refused: many names, types that conflict, long and odd ones', async () => {
      const long = 'l'.repeat(40_000)
      const stream = streamOf('long', { service: long, containerName: long, image: long, attributes: { [long]: long } })
      const fields = [
        Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`name${index}`, index])),
        { conflict: 1, 'a.b': 1 },
        { conflict: 'text', 'a.b.c': true },
        { conflict: true, a: null, '': 'no name', '.': 'dot', '..a': 'dots', 'b.': 'end' },
        { [long]: long, token: long },
      ].map((one) => JSON.stringify(one))
      const records = fields.map((text, ordinal) => recordOf(stream, { message: long, fields: text, ordinal }))
      expect((await store().append(records)).stored).toHaveLength(fields.length)
      await under().reopen()
      expect(store().status().refused ?? 0).toBe(0)
      const found = await collect(store())
      expect(found.map((record) => record.fields)).toEqual(fields)
      expect(found.every((record) => record.message === long && record.stream.service === long)).toBe(true)
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
      await under().reopen()
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
}
