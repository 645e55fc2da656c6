import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Budget } from '../../../server/loki/budget.ts'
import { Labelling, labelsText } from '../../../server/loki/labels.ts'
import { parseLogQl, parseLogQuery } from '../../../server/loki/logql/parse.ts'
import type { MetricQuery } from '../../../server/loki/logql/tree.ts'
import { readLines } from '../../../server/loki/logs.ts'
import { evaluate } from '../../../server/loki/metrics.ts'
import { planOf } from '../../../server/loki/plan.ts'
import type { Steps } from '../../../server/loki/windows.ts'
import { LEVELS, type LogRecord } from '../../../shared/record.ts'
import type { StoreUnderTest } from '../store/contract.ts'
import { NOON, recordOf, SECOND, streamOf } from '../store/records.ts'
import { STORES } from '../stores.ts'

const STREAMS = [
  streamOf('web'),
  streamOf('web2', { service: 'shop_web', nodeName: 'worker-2', slot: 2 }),
  streamOf('db', { service: 'data_db', stack: 'data', slot: 0 }),
]
const RECORDS: readonly LogRecord[] = Array.from({ length: 200 }, (_, index) =>
  recordOf(STREAMS[index % 3] ?? streamOf('web'), {
    // Many lines stand at the very ends of windows.
    time: NOON + BigInt(Math.floor(index / 2)) * (SECOND / 2n) + (index % 5 === 0 ? 1n : 0n),
    ordinal: index,
    source: index % 4 === 0 ? 'stderr' : 'stdout',
    level: index % 7 === 0 ? '' : (LEVELS[index % 6] ?? ''),
    ...(index % 3 === 0
      ? {
          message: `{"n":${index},"took":"${index}ms","who":{"id":"u${index % 4}"}}`,
          fields: `{"n":${index},"took":"${index}ms","who.id":"u${index % 4}"}`,
        }
      : index % 3 === 1
        ? { message: `n=${index} size=${index}KB Line`, fields: `{"n":"${index}","size":"${index}KB"}` }
        : { message: `\x1b[31mplain line ${index}\x1b[0m` }),
  }),
)

describe.each(STORES)('LogQL over the %s store', (_, open) => {
  let under: StoreUnderTest
  beforeAll(async () => {
    under = await open()
    await under.store.append(RECORDS)
  })
  afterAll(async () => {
    await under.destroy()
  })
  const budget = (maxLines?: number) => new Budget(new AbortController().signal, 30_000, maxLines)
  const lines = async (text: string, limit = 1_000, order: 'asc' | 'desc' = 'asc', spare = budget()) => {
    const plan = planOf(parseLogQuery(text), new Labelling(({ cluster }) => cluster))
    const wanted = { since: NOON, until: NOON + 100n * SECOND, order, limit, receivedUpTo: under.store.lastReceived }
    return readLines(under.store, plan, wanted, spare)
  }
  const found = async (text: string): Promise<number[]> =>
    (await lines(text)).entries.map(({ record }) => record.ordinal).sort((a, b) => a - b)
  const numbers = async (text: string, steps: Steps, spare = budget()) => {
    const { store } = under
    const samples = {
      ...{ store, budget: spare, receivedUpTo: store.lastReceived, streams: STREAMS },
      labelling: new Labelling(({ cluster }) => cluster),
    }
    const result = await evaluate(samples, parseLogQl(text) as MetricQuery, steps)
    if (result.kind === 'scalar') return result.value
    return Object.fromEntries(result.series.map(({ labels, values }) => [labelsText(labels), values]))
  }
  const expected = (wanted: (record: LogRecord, index: number) => boolean) =>
    RECORDS.filter(wanted).map(({ ordinal }) => ordinal)

  it.each<[string, (record: LogRecord, index: number) => boolean]>([
    ['{service="shop_web"}', (_, index) => index % 3 !== 2],
    ['{service=~"shop_.*|nope", node!="worker-2"}', (_, index) => index % 3 === 0],
    ['{service=~"shop"}', () => false],
    ['{slot=""}', (_, index) => index % 3 === 2],
    ['{stream="stderr", stack!~"da.+"}', ({ source }, index) => source === 'stderr' && index % 3 !== 2],
    ['{level=~"error|fatal"}', ({ level }) => level === 'error' || level === 'fatal'],
    ['{stack=~".+", level=""}', ({ level }) => level === ''],
    ['{stack=~".+"} | detected_level!="info"', ({ level }) => level !== 'info'],
    ['{job="x"}', () => false],
    ['{stack=~".+", job=""}', () => true],
    ['{stack=~".+"} |= "Line"', (_, index) => index % 3 === 1],
    ['{stack=~".+"} |= "Line" or "plain" != "1"', ({ message }, index) => index % 3 !== 0 && !message.includes('1')],
    ['{stack=~".+"} |~ "(?i)l.NE" !~ "9$"', ({ message }) => /l.ne/i.test(message) && !/9$/.test(message)],
    ['{stack=~".+"} |= ``', () => true],
    ['{stack=~".+"} | json | n > 100', (_, index) => index % 3 === 0 && index > 100],
    ['{stack=~".+"} | json | __error__="JSONParserErr"', (_, index) => index % 3 !== 0],
    ['{stack=~".+"} | json | who_id="u1"', (_, index) => index % 3 === 0 && index % 4 === 1],
    ['{stack=~".+"} | json id="who.id", took | id="u1" | took="9ms"', (_, index) => index === 9],
    ['{stack=~".+"} | json | n="99" or took="3ms"', (_, index) => index === 99 || index === 3],
    ['{stack=~".+"} | json | n!="99" | took=~"1..ms"', (_, index) => index % 3 === 0 && index >= 100],
    ['{stack=~".+"} | logfmt | n="100" or n=106', (_, index) => index === 100 || index === 106],
    ['{stack=~".+"} | json | label_format n="7" | n="7"', () => true],
    ['{stack=~".+"} | json x="n" | x="9"', (_, index) => index === 9],
    ['{stack=~".+"} | json | took >= 50ms and took < 1m', (_, index) => index % 3 === 0 && index >= 50],
    ['{stack=~".+"} | logfmt | size > 100KB or n < 10', (_, index) => index % 3 === 1 && (index > 100 || index < 10)],
    ['{stack=~".+"} | line_format "{{.service}}!" |= "db!"', (_, index) => index % 3 === 2],
    ['{stack=~".+"} | decolorize |~ "^plain"', (_, index) => index % 3 === 2],
    [
      '{stack=~".+"} | label_format a=service,b="{{.node}}-x" | a="data_db" | b="worker-1-x"',
      (_, index) => index % 3 === 2,
    ],
    ['{stack=~".+"} | drop level | level="error"', () => false],
    ['{stack=~".+"} | keep node | service=""', () => true],
  ])('finds lines: %s', async (text, wanted) => {
    expect(await found(text)).toEqual(expected(wanted))
  })

  it('gives the first or last lines, in order', async () => {
    const all = (await lines('{stack=~".+"}')).entries.map(({ record }) => record)
    const last = await lines('{stack=~".+"} | json | n > 3', 5, 'desc')
    const wanted = all.filter(
      ({ fields }, index) => fields.startsWith('{"n":') && index > 3 && !fields.startsWith('{"n":"'),
    )
    expect(last.entries.map(({ record }) => record.ordinal)).toEqual(
      wanted
        .toReversed()
        .slice(0, 5)
        .map(({ ordinal }) => ordinal),
    )
  })

  it('keeps labels apart from fields of the same name', async () => {
    const time = NOON + 1_000n * SECOND
    const fields = { service: 'x', service_name: 'y', level: 'WARN', source: 'z', stream: 's', 'a.b': 1, '9': true }
    await under.store.append([
      recordOf(streamOf('api'), {
        time,
        level: 'warn',
        message: JSON.stringify(fields),
        fields: JSON.stringify(fields),
      }),
    ])
    const plan = planOf(parseLogQuery('{service="shop_api"} | json'), new Labelling(() => ''))
    const { lastReceived } = under.store
    const wanted = { since: time, until: time + 1n, order: 'asc', limit: 1, receivedUpTo: lastReceived } as const
    const [entry] = (await readLines(under.store, plan, wanted, budget())).entries
    expect(Object.fromEntries(entry?.labels ?? [])).toMatchObject({
      ...{ service: 'shop_api', service_extracted: 'x', service_name_extracted: 'y' },
      ...{ source: 'stdout', source_extracted: 'z', stream: 's', level: 'WARN', a_b: '1', _9: 'true' },
    })
    expect([entry?.get('detected_level'), entry?.get('service_name')]).toEqual(['warn', 'shop_api'])
  })

  it('says when lines may be missing because it would take too much', async () => {
    const { warnings } = await lines('{stack=~".+"} |= "nowhere" or "line"', 1_000, 'desc', budget(5))
    expect(warnings).toEqual([expect.stringContaining('more than 5 lines')])
    const steps = { start: NOON + 100n * SECOND, step: 1n, count: 1 }
    const text = 'sum(bytes_over_time({stack=~".+"}[1h]))'
    await expect(numbers(text, steps, budget(5))).rejects.toThrow(/^cannot count all lines: more than 5/)
  })

  it('counts without reading as it counts by reading', async () => {
    const windows = fc.record({
      start: fc.constantFrom(NOON, NOON - SECOND, NOON + 3n, NOON + 20n * SECOND),
      step: fc.constantFrom(SECOND, 700_000_000n, 5n * SECOND),
      count: fc.integer({ min: 1, max: 30 }),
    })
    const group = fc.constantFrom(
      ...['', 'by (level)', 'by (detected_level, service_name)', 'by (node, source)', 'without (level, source, task)'],
    )
    const selector = fc.constantFrom(
      ...[
        '{stack=~".+"}',
        '{service="shop_web"} |= "ine"',
        '{level=~"error|"} !~ "7"',
        '{source="stderr"} | level="info"',
      ],
    )
    const range = fc.constantFrom('1s', '1400ms', '5s', '1m')
    await fc.assert(
      fc.asyncProperty(windows, group, selector, range, async (steps, by, lines, length) => {
        const counted = await numbers(`sum ${by} (count_over_time(${lines} | drop __error__ [${length}]))`, steps)
        // A stage that makes labels has to read.
        const read = await numbers(`sum ${by} (count_over_time(${lines} | label_format x="" [${length}]))`, steps)
        expect(counted).toEqual(read)
      }),
      { numRuns: 30 },
    )
  })

  it('calculates', async () => {
    const steps = { start: NOON + 100n * SECOND, step: SECOND, count: 2 }
    const all = '{stack=~".+"}[1h]'
    expect(await numbers('2 + 3 * 4 ^ 2 % 5', steps)).toBe(5)
    expect(await numbers('vector(1)+vector(1)', steps)).toEqual({ '{}': [2, 2] })
    expect(await numbers(`sum(count_over_time(${all}))`, steps)).toEqual({ '{}': [200, 200] })
    expect(await numbers(`sum by (service) (rate(${all})) * 3600`, steps)).toEqual({
      '{"service":"data_db"}': [66, 66],
      '{"service":"shop_web"}': [134, 134],
    })
    expect(await numbers(`max(sum by (node) (count_over_time(${all})))`, steps)).toEqual({ '{}': [133, 133] })
    expect(await numbers(`min(sum by (node) (count_over_time(${all})))`, steps)).toEqual({ '{}': [67, 67] })
    expect(await numbers(`avg(sum by (node) (count_over_time(${all})))`, steps)).toEqual({ '{}': [100, 100] })
    expect(await numbers(`count(sum by (node) (count_over_time(${all})))`, steps)).toEqual({ '{}': [2, 2] })
    expect(await numbers(`topk(1, sum by (node) (count_over_time(${all})))`, steps)).toEqual({
      '{"node":"worker-1"}': [133, 133],
    })
    const ratio = `sum by (service) (count_over_time({level="error"}[1h])) / sum by (service) (count_over_time(${all})) > bool 1`
    expect(await numbers(ratio, steps)).toEqual({ '{"service":"shop_web"}': [0, 0] })
    expect(await numbers(`sum(count_over_time(${all})) > 200`, steps)).toEqual({})
    expect(await numbers(`sum(bytes_over_time({service="data_db"} |= "line 2\\u001b"[1h]))`, steps)).toEqual({
      '{}': [21, 21],
    })
    expect(await numbers(`sum(count_over_time(${all} offset 1h))`, steps)).toEqual({})
  })

  it('takes any time that can be asked for', async () => {
    const text = 'sum(count_over_time({service="shop_web"} |= "plain" [15000w]))'
    for (const start of [-(2n ** 63n), 2n ** 63n - 1n])
      expect(await numbers(text, { start, step: SECOND, count: 2 })).toEqual({})
  })

  it('counts no lines that a stage could not read, unless that is asked for', async () => {
    const steps = { start: NOON + 100n * SECOND, step: SECOND, count: 1 }
    await expect(numbers('sum(count_over_time({stack=~".+"} | json [1h]))', steps)).rejects.toThrow('JSONParserErr')
    expect(await numbers('sum(count_over_time({stack=~".+"} | json | __error__="" [1h]))', steps)).toEqual({
      '{}': [67],
    })
    expect(await numbers('sum(count_over_time({stack=~".+"} | json | drop __error__ [1h]))', steps)).toEqual({
      '{}': [200],
    })
  })
})
