import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { matcherOf } from '../../../../server/query/matches.ts'
import type { Store } from '../../../../server/store/store.ts'
import { parseQuery } from '../../../../shared/query/parse.ts'
import { printQuery } from '../../../../shared/query/print.ts'
import type { LogRecord } from '../../../../shared/record.ts'
import { expressions } from '../../../shared/query/expressions.ts'
import { API, messages, queryOf, recordOf, type StoreUnderTest, streamOf, WEB } from '../records.ts'

const MS = 1_000_000n

/** What each query finds, by the messages of LINES. */
const LINES: readonly Partial<LogRecord>[] = [
  { message: 'a Connection refused', level: 'error' },
  { message: 'b connection reset, timed out', level: 'warn', source: 'stderr' },
  {
    message: 'c OOM killed',
    level: 'fatal',
    fields: '{"status":503,"user.id":42,"path":"/api/v2/x","ok":true,"none":null}',
  },
  {
    message: 'd time out',
    level: 'info',
    fields: '{"status":"503","user.id":"42","path":"/API/v1/y","ok":false,"empty":""}',
  },
  { message: 'e', fields: '{"status":4.0e2,"note":"a,\\"status\\":1,b","path":"C:\\\\temp\\u00e9"}' },
  { message: 'f 100%_', fields: '{"level":30,"odd name":"x y","n":-1.5,"s":"\\ud83d\\ude00","half":"\\ud800"}' },
  {
    message: 'g ÜBER Σ',
    fields: '{"a":"zeta","status":"high","id":"12345678901234567890","date":"2026-11-21T10:00:00Z"}',
  },
  { message: '', level: 'debug' },
]

const TABLE: readonly (readonly [string, string])[] = [
  ['', 'abcdefg-'],
  ['connection', 'ab'],
  ['CONNECTION refused', 'a'],
  ['"connection re"', 'ab'],
  ['"Connection"c', 'a'],
  ['-connection', 'cdefg-'],
  ['NOT (connection OR time)', 'cefg-'],
  ['refused OR oom', 'ac'],
  ['connection AND timed', 'b'],
  ['über', 'g'],
  ['"%_"', 'f'],
  ['/timed? (d )?out/', 'bd'],
  ['/^A/i', 'a'],
  ['/^A/', ''],
  ['/\\d+%/', 'f'],
  ['/^$/', '-'],
  ['/.*/', 'abcdefg-'],
  ['-/./', '-'],
  ['con*ed', 'ab'],
  ['message:*oom*', 'c'],
  ['message:?', 'e'],
  ['message=E', 'e'],
  ['message="E"c', ''],
  ['message:*', 'abcdefg'],
  ['message:/out$/', 'bd'],
  ['level:error', 'a'],
  ['level>=error', 'ac'],
  ['level<info', '-'],
  ['level:[info TO warn]', 'bd'],
  ['level!=error', 'bcdefg-'],
  ['level:none', 'efg'],
  ['level:*', 'abcd-'],
  ['source:stderr', 'b'],
  ['source:/out/ level:*', 'acd-'],
  ['status>=500', 'cd'],
  ['status:503', 'cd'],
  ['status:503.0', 'cd'],
  ['status:"503"', 'cd'],
  ['status:400', 'e'],
  ['status:[400 TO 499]', 'e'],
  ['status:{400 TO 503]', 'cd'],
  ['status<503', 'e'],
  ['status:5*', 'cd'],
  ['status:*e2', 'e'],
  ['status:1', ''],
  ['-status>=500', 'abefg-'],
  ['status:*', 'cdeg'],
  ['status:HIGH', 'g'],
  ['status:"HIGH"c', ''],
  ['user.id:42', 'cd'],
  ['user.id!=42', 'abefg-'],
  ['n<0', 'f'],
  ['n:-1.5', 'f'],
  ['ok:true', 'c'],
  ['none:*', ''],
  ['none:null', ''],
  ['empty:*', 'd'],
  ['empty:""', 'd'],
  ['path:/^.api/', 'c'],
  ['path:/^.api/i', 'cd'],
  ['path:*API*', 'cd'],
  ['path:"c:\\\\temp\u00c9"', 'e'],
  ['path:c:?temp?', 'e'],
  ['note:*status*', 'e'],
  ['"odd name":"x y"', 'f'],
  ['"level":30', 'f'],
  ['s:😀', 'f'],
  ['s:?', 'f'],
  ['half:*', ''],
  ['a>yak', 'g'],
  ['a>="zeta" a<="zeta"', 'g'],
  ['a>"Zeta"', 'g'],
  ['date>="2026-11-21"', 'g'],
  ['id:12345678901234567890', 'g'],
  ['missing:*', ''],
  ['service:web', 'abcdefg-'],
  ['service:shop_w?b stack:SHOP', 'abcdefg-'],
  ['service:api', ''],
  ['node:node1 level>=error', 'ac'],
  ['node:worker-1 -node:x*', 'abcdefg-'],
  ['task:web.1', 'abcdefg-'],
  ['task:task-w', 'abcdefg-'],
  ['container:container-w', 'abcdefg-'],
  ['image:nginx', 'abcdefg-'],
  ['image:nginx:1', 'abcdefg-'],
  ['slot:1', 'abcdefg-'],
  ['slot>1', ''],
  ['service.name:web docker.swarm.task.slot:1 host.name:worker-1', 'abcdefg-'],
  ['log.level:error log.iostream:stdout', 'a'],
  ['"log.level":error', ''],
  ['tag:*', ''],
  ['cluster:*', 'abcdefg-'],
  ['service:api OR level:fatal', 'c'],
]

/** Queries mean the same in every store. */
export function queryingContract(under: () => StoreUnderTest): void {
  const store = (): Store => under().store
  const ask = (query: string) => messages(store(), queryOf({}, { where: parseQuery(query) }))

  describe('queries', () => {
    it('find what their conditions say', async () => {
      await store().append(
        LINES.map((fields, index) => recordOf(WEB, { ...fields, time: recordOf(WEB).time + BigInt(index) * MS })),
      )
      const found: [string, string][] = []
      for (const [query] of TABLE) {
        const answer = await ask(query)
        found.push([query, answer.map((message) => message[0] ?? '-').join('')])
      }
      expect(found).toEqual(TABLE)
    })

    it('count, and choose the newest, among what they find', async () => {
      await store().append(lines(200))
      const where = parseQuery('n:[10 TO 150] -n:17 service:web')
      const filter = { where }
      expect(await store().count(queryOf({}, filter))).toBe(140)
      expect(await messages(store(), queryOf({ newest: 3 }, filter))).toEqual(['line 148', 'line 149', 'line 150'])
      expect(await messages(store(), queryOf({ newest: 1, perTask: true, order: 'desc' }, filter))).toEqual([
        'line 150',
      ])
      expect(await messages(store(), queryOf({ limit: 2 }, filter))).toEqual(['line 10', 'line 11'])
      const buckets = await store().histogram(queryOf({}, filter), { interval: 10n ** 18n, by: 'service' })
      expect(buckets.map(({ counts }) => [...counts])).toEqual([[['shop_web', 140]]])
    })

    it('read fields as they are written, also in ways in which no line is parsed', async () => {
      const odd = ODD.map((fields, index) => recordOf(WEB, { fields, message: fields, ordinal: index }))
      await store().append(odd)
      for (const query of ['a', 'b', 'd', 'k'].flatMap((name) => ASKED.map((asked) => name + asked))) {
        const { line } = matcherOf(parseQuery(query))
        const expected = odd.filter((one) => line(one)).map(({ message }) => message)
        expect([query, await ask(query)]).toEqual([query, expected])
        expect([query, await store().count(queryOf({}, { where: parseQuery(query) }))]).toEqual([
          query,
          expected.length,
        ])
      }
    })

    it('see the whole of long lines and long fields', async () => {
      const long = `start ${'x😀'.repeat(3000)} middle ${'é'.repeat(5000)} end`
      const value = `{"big":"${'y'.repeat(9000)}","behind":7}`
      await store().append([
        recordOf(WEB, { message: long, fields: value }),
        recordOf(API, { message: 'short', fields: '{"behind":7}' }),
      ])
      const counts: [string, number][] = [
        ['/^start (x😀)+ middle é+ end$/', 1],
        ['message:start*middle*end', 1],
        ['message:start*muddle*end', 0],
        ['behind:7', 2],
        ['behind:7 "😀 middle "', 1],
        ['-"😀 middle "', 1],
        [`message:*😀${'?'.repeat(8)}é*`, 1],
        ['big:y* -big:*z', 1],
      ]
      for (const [query, count] of counts) {
        expect([query, await store().count(queryOf({}, { where: parseQuery(query) }))]).toEqual([query, count])
      }
    })
  })

  describe('random queries on random lines', () => {
    let stored: readonly LogRecord[]
    beforeEach(async () => {
      stored = fc.sample(LINE, { numRuns: 150, seed: 7 }).map((line, index) => ({
        ...line,
        time: line.time + BigInt(index) * MS,
      }))
      await store().append(stored)
    })

    it('find what the predicate finds', async () => {
      for (const where of fc.sample(expressions(WORDS), { numRuns: 120, seed: 11 })) {
        const { line, stream } = matcherOf(where)
        const expected = stored.filter((one) => line(one))
        const query = queryOf({}, { where })
        const found = await messages(store(), query)
        expect({ query: printQuery(where), found }).toEqual({
          query: printQuery(where),
          found: expected.map(({ message }) => message),
        })
        expect(await store().count(query)).toBe(expected.length)
        // What a stream as a whole is said to be must be true of its lines.
        for (const one of stored) if (stream(one.stream) !== 'depends') expect(stream(one.stream)).toBe(line(one))
      }
    })
  })
}

function lines(count: number): LogRecord[] {
  return Array.from({ length: count }, (_, n) => [
    recordOf(WEB, { message: `line ${n}`, fields: `{"n":${n}}`, time: recordOf(WEB).time + BigInt(n) * MS }),
    recordOf(API, { message: `other ${n}`, fields: `{"n":"${n}"}`, time: recordOf(WEB).time + BigInt(n) * MS }),
  ]).flat()
}

const PIECE = fc.constantFrom(
  'a',
  'B',
  'b',
  ' ',
  '1',
  '%',
  '_',
  '*',
  '\\',
  '"',
  "'",
  ',',
  '{',
  ':',
  'ß',
  'Σ',
  'ς',
  'İ',
  '\u{1f600}',
  '\ue000',
  '\n',
  '\t',
)
const TEXT = fc.array(PIECE, { maxLength: 4 }).map((pieces) => pieces.join(''))
const NUMBER = fc.oneof(fc.integer({ min: -3, max: 12 }), fc.constantFrom(0.5, 1e21, 1e-7, -2.25))
const NAME = fc.constantFrom('a', 'b.c', 'B', 'a b', 'x"y', 'é', '', '0', 'a/b', 'a~1', '$.a', '*', 'x\\')
const VALUE = fc.oneof(
  TEXT,
  NUMBER,
  NUMBER.map(String),
  fc.constantFrom(
    true,
    false,
    null,
    '01',
    '1e3',
    '1E3',
    '+1',
    '1.',
    '\0',
    'null',
    'true',
    '\ud800',
    -0,
    1e15,
    123456789012345,
    4.5e-9,
  ),
)
const FIELDS = fc
  .dictionary(NAME, VALUE, { maxKeys: 4 })
  .map((fields) => (Object.keys(fields).length === 0 ? '' : JSON.stringify(fields)))
/** Fields with white space, nested, or no object at all. */
const ODD = [
  ...['{"a": 1}', '{"a": "x"}', '{ "a":1}', '{"a" :1}', '{"b":2, "a":1}', '{"b":2,"a": 1.50}', '{\n  "a": 1\n}'],
  ...['{"d":{"a":1}}', '{"d":{"b":2,"a":1}}', '{"d":{"k":null}}', '{"a":[1,2]}', 'text', '"a":1', '[{"a":1}]'],
  ...['{"a":1}', '{"a":"1","b":"x"}', '{"k":1.0}', '{"a":1,"a":2}'],
]
/** What is asked of a field. */
const ASKED = ['=1', '>0', '<=1', '!=1', ':"1"', ':" 1"c', '>" "', ':*', ':/^.$/', ':/\\d/', ':*1*', ':?']

const STREAM = fc.constantFrom(
  WEB,
  API,
  streamOf('global', { slot: 0, stack: '', service: 'global', image: '', taskId: '', taskName: '' }),
)

const LINE = fc
  .record({
    stream: STREAM,
    source: fc.constantFrom('stdout' as const, 'stderr' as const),
    message: TEXT,
    fields: FIELDS,
  })
  .chain((line) =>
    fc
      .constantFrom('', 'debug' as const, 'info' as const, 'error' as const)
      .map((level) => recordOf(line.stream, { ...line, level })),
  )

const WORDS = {
  texts: fc.oneof(TEXT, NUMBER.map(String), fc.constantFrom('shop', 'shop_web', 'node1', 'WORKER-0', 'true', 'a')),
  patterns: fc
    .array(fc.oneof(PIECE, fc.constantFrom('*', '*', '?')), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.map((part) => (part === '\\' ? '\\\\' : part)).join('')),
  regexes: fc.constantFrom(
    'a',
    'a|B',
    '^.$',
    '[^a]',
    '\\d',
    '^$',
    '(?i)b',
    'ß',
    'web',
    '\\s',
    '(?<x>1).',
    '[(?<]',
    '\\pL',
    '\\.',
    '_|%',
    '"',
    "'",
  ),
  numbers: NUMBER,
  fields: NAME,
}
