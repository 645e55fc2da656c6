import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLogQl, parseLogQuery, parseSelector } from '../../../../server/loki/logql/parse.ts'
import type { LabelTest, MetricQuery } from '../../../../server/loki/logql/tree.ts'

const MINUTE = 60_000_000_000n

describe('LogQL for lines', () => {
  it('has matchers and stages', () => {
    const query = parseLogQuery(
      '{service="web", node=~`n.*`, level!="info"} |= "a\\n" or `b` !~ "c" | json | logfmt x="y", z | drop __error__, a="b" | keep q | decolorize',
    )
    expect(query).toEqual({
      kind: 'log',
      matchers: [
        { label: 'service', by: '=', value: 'web' },
        { label: 'node', by: '=~', value: 'n.*' },
        { label: 'level', by: '!=', value: 'info' },
      ],
      stages: [
        { kind: 'line', test: { by: '|=', texts: ['a\n', 'b'] } },
        { kind: 'line', test: { by: '!~', texts: ['c'] } },
        { kind: 'json', only: [] },
        {
          kind: 'logfmt',
          only: [
            { label: 'x', path: 'y' },
            { label: 'z', path: 'z' },
          ],
        },
        {
          kind: 'drop',
          labels: [{ label: '__error__' }, { label: 'a', matcher: { label: 'a', by: '=', value: 'b' } }],
        },
        { kind: 'keep', labels: [{ label: 'q' }] },
        { kind: 'decolorize' },
      ],
    })
  })

  it.each<[string, unknown]>([
    ['a="1" or b="2" and c="3"', ['or', 'a', ['and', 'b', 'c']]],
    ['a="1" and b="2" or c="3", d="4"', ['or', ['and', 'a', 'b'], ['and', 'c', 'd']]],
    ['(a="1" or b="2") and c="3"', ['and', ['or', 'a', 'b'], 'c']],
    ['a>=1.5', 'a >= 1.5 number'],
    ['a > 1m30s', 'a > 90 duration'],
    ['a <= 5MB or b == 2KiB', ['or', 'a <= 5000000 bytes', 'b == 2048 bytes']],
    ['a = 3', 'a == 3 number'],
  ])('has label filters, and binding before or: %s', (text, tree) => {
    const [stage] = parseLogQuery(`{service="web"} | ${text}`).stages
    expect(stage?.kind === 'filter' && plain(stage.test)).toEqual(tree)
  })

  it('has formats of text and labels', () => {
    expect(parseLogQuery('{a="b"} | line_format "x {{.a}}{{ .b }}!" | label_format c=d,e="{{.f}}"').stages).toEqual([
      { kind: 'line_format', template: ['x ', { label: 'a' }, { label: 'b' }, '!'] },
      {
        kind: 'label_format',
        changes: [
          { label: 'c', to: { rename: 'd' } },
          { label: 'e', to: { template: [{ label: 'f' }] } },
        ],
      },
    ])
  })

  it('reads selectors alone, that of all streams included', () => {
    expect(parseSelector(' { } ')).toEqual([])
    expect(parseSelector('')).toEqual([])
    expect(parseSelector('{a="b"}')).toEqual([{ label: 'a', by: '=', value: 'b' }])
  })
})

describe('LogQL for numbers', () => {
  it('counts over ranges', () => {
    expect(
      parseLogQl('sum by (level, detected_level) (count_over_time({a="b"} | drop __error__[1m] offset 5m))'),
    ).toEqual({
      kind: 'aggregate',
      by: 'sum',
      count: 0,
      grouping: { kind: 'by', labels: ['level', 'detected_level'] },
      of: {
        kind: 'range',
        by: 'count_over_time',
        range: MINUTE,
        offset: 5n * MINUTE,
        query: {
          kind: 'log',
          matchers: [{ label: 'a', by: '=', value: 'b' }],
          stages: [{ kind: 'drop', labels: [{ label: '__error__' }] }],
        },
      },
    })
    expect(parseLogQl('topk(3, rate({a="b"} |= "x" [1h30m])) without (a)')).toMatchObject({
      by: 'topk',
      count: 3,
      grouping: { kind: 'without', labels: ['a'] },
      of: { by: 'rate', range: 90n * MINUTE, query: { stages: [{ kind: 'line' }] } },
    })
  })

  it.each([
    ['vector(1)+vector(1)', '(v1 + v1)'],
    ['1 + 2 * 3', '(1 + (2 * 3))'],
    ['1 * 2 + 3', '((1 * 2) + 3)'],
    ['(1 + 2) * 3', '((1 + 2) * 3)'],
    ['8 - 2 - 1', '((8 - 2) - 1)'],
    ['2 ^ 3 ^ 2', '(2 ^ (3 ^ 2))'],
    ['-1 + 2 > bool 3 * 4', '((-1 + 2) >bool (3 * 4))'],
    ['(((vector(2))))', 'v2'],
  ])('calculates in the right order: %s', (text, order) => {
    expect(written(parseLogQl(text) as MetricQuery)).toBe(order)
  })
})

it.each([
  ['{a="b"} | pattern "<_>"', 'pattern'],
  ['{a="b"} | regexp "(?P<x>.)"', 'regexp'],
  ['{a="b"} | unpack', 'unpack'],
  ['{a="b"} | unwrap x', 'unwrap'],
  ['{a="b"} |> "<_> a"', '|>'],
  ['{a="b"} |= ip("1.2.3.4")', 'ip'],
  ['{a="b"} | logfmt --strict', '--strict'],
  ['sum_over_time({a="b"} | unwrap x [5m])', 'sum_over_time'],
  ['quantile_over_time(0.9, {a="b"} | unwrap x [5m])', 'quantile_over_time'],
  ['absent_over_time({a="b"}[5m])', 'absent_over_time'],
  ['stddev(rate({a="b"}[5m]))', 'stddev'],
  ['sort(rate({a="b"}[5m]))', 'sort'],
  ['vector(1) and vector(2)', "'and' between numbers"],
  ['rate({a="b"}[5m]) / on (a) vector(2)', 'on'],
  ['label_replace(rate({a="b"}[5m]), "a", "b", "c", "d")', 'label_replace'],
  ['{a="b"} | line_format "{{ if .x }}y{{ end }}"', 'the template {{ if .x }}'],
  ['{a="b"} | json a="b[0].c"', 'the path "b[0].c"'],
])('names what is not supported: %s', (text, construct) => {
  expect(() => parseLogQl(text)).toThrow(`cannot evaluate ${construct}`)
})

it.each([
  ['', 'without a query'],
  ['{}', 'name a label'],
  ['{a="b"', 'unexpected end at 7'],
  ['{a="b"} |= x', 'at 12'],
  ['count_over_time({a="b"}[$__auto])', 'at 25'],
  ['{a="\\q"}', 'there is no'],
  ['{a="b"} + 1', 'cannot calculate with lines'],
  ['rate({a="b"}[0s])', '[5m]'],
  ['{a="b"}[5m]', 'at'],
])('says what is wrong: %s', (text, problem) => {
  expect(() => parseLogQl(text)).toThrow(problem)
})

it('refuses queries that are long or deep', () => {
  expect(() => parseLogQl(`{a="${'b'.repeat(20_000)}"}`)).toThrow('16384')
  expect(() => parseLogQl(`${'('.repeat(300)}vector(1)${')'.repeat(300)}`)).toThrow('nested')
})

it('answers any text with a tree, or with what is wrong with it', () => {
  const words = [
    ...[
      '{a="b"}',
      '{',
      '}',
      '(',
      ')',
      '[5m]',
      '[',
      '|',
      '|=',
      '!=',
      '|~',
      '=',
      '=~',
      '>',
      '>=',
      '==',
      ',',
      '+',
      '-',
      '/',
      '^',
      '%',
      '*',
    ],
    ...[
      '"x"',
      '`y`',
      '"',
      '\\',
      'a',
      'x',
      '1',
      '-1.5',
      '5m',
      '3KB',
      'json',
      'logfmt',
      'line_format',
      'label_format',
      'drop',
      'keep',
    ],
    ...[
      'decolorize',
      'sum',
      'topk',
      'by',
      'without',
      'bool',
      'and',
      'or',
      'unless',
      'count_over_time',
      'rate',
      'vector',
      'offset',
    ],
    ...[
      'count_over_time({a="b"}[5m])',
      'vector(1)',
      'sum by (x)',
      '| json',
      '| x > 3',
      '| y="z"',
      '#',
      '\n',
      '\u0000',
      'é',
    ],
  ]
  const text = fc.oneof(
    fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((parts) => parts.join(' ')),
    fc.array(fc.constantFrom(...words), { maxLength: 8 }).map((parts) => `{a="b"} ${parts.join('')}`),
    fc.string({ unit: 'binary', maxLength: 30 }),
  )
  fc.assert(
    fc.property(text, (query) => {
      try {
        parseLogQl(query)
      } catch (error) {
        expect(error).toMatchObject({ status: 400, message: expect.stringMatching(/^cannot /) })
      }
    }),
    { numRuns: 1_000 },
  )
})

function plain(test: LabelTest): unknown {
  if (test.kind === 'match') return test.matcher.label
  if (test.kind === 'number') return `${test.label} ${test.by} ${test.value} ${test.unit}`
  return [test.kind, ...test.of.map(plain)]
}

function written(query: MetricQuery): string {
  if (query.kind === 'number') return String(query.value)
  if (query.kind === 'vector') return `v${query.value}`
  if (query.kind !== 'binary') return query.kind
  return `(${written(query.left)} ${query.by}${query.isBool ? 'bool' : ''} ${written(query.right)})`
}
