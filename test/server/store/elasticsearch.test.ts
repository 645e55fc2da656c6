import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { matcherOf } from '../../../server/query/matches.ts'
import type { Expression } from '../../../shared/query/ast.ts'
import { printQuery } from '../../../shared/query/print.ts'
import { type Elastic, startElastic } from '../../lab/elastic.ts'
import { storeContract } from './contract.ts'
import { openElastic } from './elasticsearch.ts'
import { messages, queryOf, recordOf, SECOND, WEB } from './records.ts'

const MS = 1_000_000n
const LINES = 500
const QUERIES = 250

let elastic: Elastic
beforeAll(async () => {
  elastic = await startElastic()
})
afterAll(async () => {
  await elastic.stop()
})

storeContract('elasticsearch', async () => openElastic(elastic.urls[0] ?? ''))

/** What the tokenizer joins, parts, passes over or lowers in ways of its own, the ends of words above all. */
const PIECE = fc.constantFrom(
  ...['ab', 'K', 'É', '12', '.', '.', ',', ':', ';', "'", '_', '-', ' ', '"', '/', '@', '\n', '\0'],
  ...['\u200d', '\u0301', '字', 'ア', 'א', '\u00a0', '😀', 'ß', 'σ', 'ς', 'ſ', 'İ', '\u212a', 'x'.repeat(600)],
)
const MESSAGE = fc.array(PIECE, { minLength: 1, maxLength: 9 }).map((pieces) => pieces.join(''))
const NAME = fc.constantFrom('a', 'A', 'b.c', 'b..c', 'a*', 'n'.repeat(513), 'K')
const VALUE = fc.oneof(
  fc.constantFrom(
    '1',
    '1.0',
    '10',
    '-0',
    '1e1',
    'get',
    'GET',
    '\u212aey',
    'key',
    'v'.repeat(1025),
    '',
    '\udbff\udfffz',
  ),
  fc.constantFrom(1, 10, 0.5, 1e21, true, null),
)
const FIELDS = fc.dictionary(NAME, VALUE, { maxKeys: 3 }).map((fields) =>
  JSON.stringify(fields)
    .replace('0.5', '0.50')
    .replace(/^\{\}$/, ''),
)

/** Conditions on parts of the messages, and on the fields. */
function conditions(stored: readonly { readonly message: string }[]): fc.Arbitrary<Expression> {
  const part = fc
    .tuple(fc.constantFrom(...stored), fc.nat(), fc.integer({ min: 1, max: 14 }))
    .map(([{ message }, at, length]) => message.slice(at % message.length).slice(0, length))
    .filter((text) => text.isWellFormed())
  const message = { kind: 'label', name: 'message' } as const
  const field = NAME.map((name) => ({ kind: 'field', name }) as const)
  const value = VALUE.filter((one) => typeof one === 'string' || typeof one === 'number')
  const by = fc.constantFrom('=' as const, '=' as const, '>' as const, '<=' as const)
  return fc.oneof(
    { weight: 3, arbitrary: fc.record({ op: fc.constant('text' as const), text: part, isExact: fc.boolean() }) },
    fc.record({
      op: fc.constant('regex' as const),
      field: fc.constant(message),
      source: fc.constantFrom(
        '12\\.12',
        '(?i)K[.]',
        'a(b|k)?12',
        'ab?.12',
        "S+|ab'",
        'σ',
        '1{2}2*',
        '\\x{e9}',
        '\\.\\w',
      ),
      isInsensitive: fc.boolean(),
    }),
    fc.record({ op: fc.constant('compare' as const), field, by, value, isExact: fc.constant(false) }),
    fc.record({ op: fc.constant('glob' as const), field, pattern: fc.constantFrom('g*', 'K*', '1?', 'ke*y') }),
    fc.record({ op: fc.constant('exists' as const), field }),
  )
}

describe('what the index says about lines', () => {
  it('leaves out none, whatever its tokenizer makes of them, and counts are exact', { timeout: 120_000 }, async () => {
    const under = await openElastic(elastic.urls[0] ?? '')
    try {
      const line = fc.record({ message: MESSAGE, fields: FIELDS })
      const stored = fc
        .sample(line, { numRuns: LINES, seed: 3 })
        .map((one, index) => recordOf(WEB, { ...one, time: recordOf(WEB).time + BigInt(index) * MS }))
      await under.store.append(stored)
      const either = fc.tuple(conditions(stored), conditions(stored), fc.constantFrom('and', 'or', 'not', 'one'))
      for (const [one, other, how] of fc.sample(either, { numRuns: QUERIES, seed: 5 })) {
        const not: Expression = { op: 'not', of: one }
        const where: Expression = how === 'one' ? one : how === 'not' ? not : { op: how, of: [one, other] }
        const expected = stored.filter((record) => matcherOf(where).line(record))
        const query = queryOf({}, { where })
        const name = printQuery(where)
        expect([name, await messages(under.store, query)]).toEqual([name, expected.map(({ message }) => message)])
        expect([name, await under.store.count(query)]).toEqual([name, expected.length])
        const buckets = await under.store.histogram(query, { interval: 3600n * SECOND, by: 'service' })
        const counted = buckets.reduce((sum, { counts }) => sum + (counts.get(WEB.service) ?? 0), 0)
        expect([name, counted]).toEqual([name, expected.length])
      }
    } finally {
      await under.destroy()
    }
  })
})
