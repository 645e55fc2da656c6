import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ApiContext, ApiFields, ApiPatterns, ApiStats, ApiValues } from '../../../shared/api/analysis.ts'
import type { ApiPage } from '../../../shared/api/answers.ts'
import type { LogRecord } from '../../../shared/record.ts'
import { formatTime } from '../../../shared/time.ts'
import { serve, type TestServer } from '../serve.ts'
import type { StoreUnderTest } from '../store/contract.ts'
import { linesOf, NOON, recordOf, SECOND, streamOf } from '../store/records.ts'
import { STORES } from '../stores.ts'

const MINUTE = 60n * SECOND
const WEB = streamOf('web')
const DB = streamOf('db', { service: 'data_db', stack: 'data', nodeId: 'node2', nodeName: 'worker-2' })

function request(index: number, status: number, extra: object = {}): LogRecord {
  const fields = JSON.stringify({ status, ms: index, 'user.id': `u${index % 3}`, ...extra })
  return recordOf(WEB, { time: NOON + BigInt(index) * SECOND, message: `GET /cart/${index} took ${index} ms`, fields })
}

describe.each(STORES)('the addresses that look closer, over the %s store', (_, open) => {
  let under: StoreUnderTest
  let server: TestServer
  beforeEach(async () => {
    under = await open()
    server = await serve({ store: under.store, now: () => NOON + 60n * MINUTE })
  })
  afterEach(async () => {
    await server.close()
    await under.destroy()
  })
  const ingest = (records: readonly LogRecord[]) => server.context.ingestor.records(records)
  const ask = async <Answer>(path: string): Promise<Answer> => {
    const response = await server.get(`/api/v1/${path}`)
    const body = (await response.json()) as Answer
    expect([response.status, body]).toEqual([200, body])
    return body
  }
  const refusal = async (path: string) => {
    const response = await server.get(`/api/v1/${path}`)
    const { error } = (await response.json()) as { error: { code: string; parameter?: string; message: string } }
    expect(error.message).toMatch(/^cannot/)
    return [response.status, error.parameter]
  }

  describe('context', () => {
    beforeEach(() =>
      ingest([
        ...linesOf(WEB, 20),
        ...linesOf(WEB, 20, { source: 'stderr', message: 'oops' }),
        ...linesOf(DB, 20, { message: 'select' }),
        ...linesOf(streamOf('web2', { service: 'shop_web', serviceId: 'service-web' }), 20, { message: 'other' }),
      ]),
    )
    it('shows no neighbours of other services on the same host that have no container', async () => {
      const bare = { containerId: '', taskId: '', taskName: '', containerName: '', tag: 'import' }
      const [one, two] = [streamOf('o', { ...bare, service: 'one' }), streamOf('o', { ...bare, service: 'two' })]
      await ingest([...linesOf(one, 5, { message: 'of one' }), ...linesOf(two, 5, { message: 'of two' })])
      const { records } = await ask<ApiPage>('search?service=one')
      const shown = await around(`cursor=${records[2]?.cursor}&before=5&after=5&within=stream`)
      expect(shown.map((message) => message.replace(/ \d+$/, ''))).toEqual(Array(5).fill('of one'))
    })

    const cursorOf = async (message: string): Promise<string> => {
      const { records } = await ask<ApiPage>('search?service=shop_web&limit=1000')
      return records.find((record) => record.message === message)?.cursor ?? ''
    }
    const around = async (query: string): Promise<string[]> => {
      const { before, record, after } = await ask<ApiContext>(`context?${query}`)
      return [...before, record, ...after].map(({ message }) => message)
    }

    it.each([
      ['stream', ['line 4', 'line 5', 'line 6', 'line 7']],
      ['container', ['oops', 'line 5', 'oops', 'line 6']],
      ['service', ['oops', 'line 5', 'other', 'oops']],
      ['all', ['oops', 'line 5', 'other', 'select']],
    ])('shows the neighbours of a line within %s', async (within, messages) => {
      const cursor = await cursorOf('line 5')
      expect(await around(`cursor=${cursor}&before=1&after=2&within=${within}`)).toEqual(messages)
    })

    it('goes on from the cursors of its own answers, over the ends', async () => {
      const cursor = await cursorOf('line 18')
      const { after } = await ask<ApiContext>(`context?cursor=${cursor}&within=stream&before=0&after=5`)
      expect(after.map(({ message }) => message)).toEqual(['line 19'])
      expect(await around(`cursor=${after[0]?.cursor}&within=stream&before=2&after=5`)).toEqual([
        ...['line 17', 'line 18', 'line 19'],
      ])
    })

    it('chooses among the neighbours by the other parameters', async () => {
      const cursor = await cursorOf('line 5')
      expect(await around(`cursor=${cursor}&before=2&after=1&within=all&grep=sel`)).toEqual([
        ...['select', 'select', 'line 5', 'select'],
      ])
    })

    it('refuses what is no place, or a place of nothing', async () => {
      expect(await refusal('context')).toEqual([400, 'cursor'])
      expect(await refusal('context?cursor=AQDwx')).toEqual([400, 'cursor'])
      const cursor = await cursorOf('line 5')
      const other = await serve()
      const elsewhere = await other.get(`/api/v1/context?cursor=${cursor}`)
      await other.close()
      expect(elsewhere.status).toBe(400)
    })
  })

  describe('fields and values', () => {
    beforeEach(() =>
      ingest([
        ...Array.from({ length: 30 }, (_, index) => request(index, index % 10 === 0 ? 503 : 200)),
        ...linesOf(DB, 10, { level: 'error', message: 'select', source: 'stderr' }),
      ]),
    )

    it('lists labels and fields with their counts', async () => {
      expect(await ask('fields')).toMatchObject({
        fields: [
          { name: 'level', kind: 'label', records: 10, types: ['string'] },
          { name: 'source', records: 40 },
          { name: 'service', records: 40 },
          ...[{ name: 'node' }, { name: 'stack' }, { name: 'task' }, { name: 'slot', types: ['number'] }],
          ...[{ name: 'container' }, { name: 'image' }, { name: 'cluster' }],
          { name: 'ms', kind: 'line', records: 30, types: ['number'] },
          { name: 'status', kind: 'line', records: 30, types: ['number'] },
          { name: 'user.id', kind: 'line', records: 30, types: ['string'] },
        ],
        more: false,
        examined: { records: 40, limited: false },
        completeness: { verdict: 'unknown' },
      })
      expect(await ask('fields?prefix=USER&since=45m')).toMatchObject({ fields: [] })
      expect(await ask('fields?examine=3&limit=1')).toMatchObject({
        more: true,
        examined: { records: 3, limited: true },
      })
    })

    it.each([
      [
        'field=service',
        [
          ['shop_web', 30],
          ['data_db', 10],
        ],
        0,
      ],
      ['field=service&prefix=DATA', [['data_db', 10]], 0],
      ['field=host.name&service=shop_*', [['worker-1', 30]], 0],
      ['field=level', [['error', 10]], 30],
      ['field=source&grep=select', [['stderr', 10]], 0],
      ['field=slot', [[1, 40]], 0],
      ['field=service&q=status:503', [['shop_web', 3]], 0],
      ['field=status&q=status:503%20OR%20level:error', [[503, 3]], 10],
      [
        'field=status',
        [
          [200, 27],
          [503, 3],
        ],
        10,
      ],
      [
        'field=user.id&limit=2',
        [
          ['u0', 10],
          ['u1', 10],
        ],
        10,
      ],
      ['field=fields.status&until=2020-01-01', [], 0],
      ['field=nope', [], 40],
    ])('lists the values of %s', async (query, values, without) => {
      const answer = await ask<{ values: { value: unknown; records: number }[]; without: number }>(`values?${query}`)
      expect(answer.values.map(({ value, records }) => [value, records])).toEqual(values)
      expect(answer.without).toBe(without)
    })

    it('counts a number and the same as a string as one, as queries find both', async () => {
      const codes = ['7', 7, 7, '0', 0, '7.0', 'true', true]
      await ingest(codes.map((code, index) => request(100 + index, 200, { code })))
      expect(await ask('values?field=code')).toMatchObject({
        values: [
          { value: 7, records: 3 },
          { value: 0, records: 2 },
          { value: true, records: 2 },
          { value: '7.0', records: 1 },
        ],
      })
      const { groups } = await ask<ApiStats>('stats?field=ms&by=code&q=code:*')
      expect(groups.map(({ by, count }) => [by.code, count])).toEqual([
        [7, 3],
        [0, 2],
        [true, 2],
        ['7.0', 1],
      ])
      expect(await ask('count?q=code:%227%22')).toMatchObject({ records: 3 })
    })
  })

  describe('stats', () => {
    const numbers = async (query: string) => (await ask<ApiStats>(`stats?${query}`)).groups

    it('reckons over all, by fields and over time', async () => {
      await ingest(Array.from({ length: 101 }, (_, index) => request(index, index < 61 ? 200 : 503)))
      expect(await numbers('field=ms&quantile=0.5&quantile=0.905')).toEqual([
        { by: {}, count: 101, sum: 5050, avg: 50, min: 0, max: 100, quantiles: { 0.5: 50, 0.905: 90.5 } },
      ])
      expect((await numbers('field=ms&by=status')).map(({ by, count, max }) => [by, count, max])).toEqual([
        [{ status: 200 }, 61, 60],
        [{ status: 503 }, 40, 100],
      ])
      const groups = await numbers('field=ms&by=status&by=service&interval=1m')
      expect(groups.map(({ start, by, count }) => [start, by.status, by.service, count])).toEqual([
        [formatTime(NOON), 200, 'shop_web', 60],
        [formatTime(NOON + MINUTE), 503, 'shop_web', 40],
        [formatTime(NOON + MINUTE), 200, 'shop_web', 1],
      ])
    })

    it('tells of the length of lines, as they were printed', async () => {
      await ingest([
        recordOf(WEB, { time: NOON, message: 'naïve', fields: '{"message.bytes":1}' }),
        recordOf(WEB, { time: NOON + 1n, message: 'cut', cutFrom: 2_000_000 }),
        recordOf(DB, { message: '' }),
      ])
      const groups = await numbers('field=message.bytes&by=service')
      expect(groups.map(({ by, count, sum }) => [by.service, count, sum])).toEqual([
        ['shop_web', 2, 2_000_006],
        ['data_db', 1, 0],
      ])
      expect(await numbers('field=fields.message.bytes')).toMatchObject([{ count: 1, sum: 1 }])
    })

    it('skips what is no number, and says how far it looked', async () => {
      await ingest([request(1, 200, { ms: 'slow' }), request(2, 200), recordOf(DB, { message: 'x' })])
      expect(await ask('stats?field=ms')).toMatchObject({
        groups: [{ count: 1, sum: 2 }],
        skipped: 1,
        examined: { records: 3, limited: false },
      })
      expect(await ask('stats?field=ms&examine=1')).toMatchObject({ examined: { records: 1, limited: true } })
      expect(await ask('stats?field=nope')).toMatchObject({ groups: [] })
    })

    it('stays with numbers that JSON has', async () => {
      await ingest([1e308, 1e308, 1.7e308].map((ms, index) => request(index, 200, { ms })))
      expect(await numbers('field=ms&quantile=0.75')).toMatchObject([
        { sum: Number.MAX_VALUE, quantiles: { 0.75: 1.35e308 } },
      ])
    })

    it.each([
      ['stats', 'field'],
      ['stats?field=service', 'field'],
      ['stats?field=ms&by=a&by=b&by=c&by=d', 'by'],
      ['stats?field=ms&by=service,level', 'by'],
      ['stats?field=ms&quantile=2', 'quantile'],
      ['stats?field=ms&interval=0s', 'interval'],
    ])('refuses %s', async (path, parameter) => {
      expect(await refusal(path)).toEqual([400, parameter])
    })
  })

  describe('patterns', () => {
    const patterns = async (query: string) =>
      (await ask<ApiPatterns>(`patterns?${query}`)).patterns.map(({ pattern, records }) => [pattern, records])

    it('clusters lines by what they have in common', async () => {
      await ingest([
        ...Array.from({ length: 20 }, (_, index) => request(index, 200)),
        ...['alice', 'bob', 'carol'].map((name, index) =>
          recordOf(DB, {
            time: NOON + BigInt(index),
            message: `connection from 10.0.0.${index}:5432 as ${name} refused`,
          }),
        ),
        recordOf(DB, { time: NOON + 5n, message: '{"msg":"job 7 done","n":1}', fields: '{"msg":"job 7 done","n":1}' }),
      ])
      expect(await patterns('')).toEqual([
        ['GET /cart/<num> took <num> ms', 20],
        ['connection from <ip> as <*> refused', 3],
        ['job <num> done', 1],
      ])
      const answer = await ask<ApiPatterns>('patterns?limit=1&since=2h')
      expect(answer).toMatchObject({ more: true, unclustered: 0, examined: { records: 24, limited: false } })
      expect(answer.patterns[0]).toMatchObject({
        ...{ first: formatTime(NOON), last: formatTime(NOON + 19n * SECOND), share: 20 / 24 },
        example: { message: 'GET /cart/19 took 19 ms' },
      })
      const { cursor } = answer.patterns[0]?.example ?? {}
      expect(await ask(`context?cursor=${cursor}`)).toMatchObject({ record: { message: 'GET /cart/19 took 19 ms' } })
    })

    it('tells what is new, and what grew', async () => {
      const old = linesOf(WEB, 10, { message: 'all is well' })
      const grown = (count: number, time: bigint) => linesOf(DB, count, { message: 'slow query 7 s', time })
      await ingest([
        ...old,
        ...grown(1, NOON),
        ...linesOf(WEB, 10, { message: 'all is well', time: NOON + 30n * MINUTE }),
      ])
      await ingest([
        ...grown(9, NOON + 31n * MINUTE),
        recordOf(DB, { message: 'disk is full', time: NOON + 32n * MINUTE }),
      ])
      expect(await patterns('new_since=40m')).toEqual([['disk is full', 1]])
      const { patterns: compared } = await ask<ApiPatterns>('patterns?since=30m&compare=1')
      expect(compared.map(({ pattern, records, before, growth }) => [pattern, records, before, growth])).toEqual([
        ['slow query <num> s', 9, 1, 5],
        ['disk is full', 1, 0, 2],
        ['all is well', 10, 10, 1],
      ])
      expect(await refusal('patterns?compare=true')).toEqual([400, 'compare'])
      expect(await refusal('patterns?new_since=often')).toEqual([400, 'new_since'])
    })
  })

  describe('events', () => {
    const trace = (index: number) => {
      const lines = [
        { message: 'ERROR failed', level: 'error' as const },
        { message: 'Traceback (most recent call last):' },
        { message: '  File "a.py"', fields: '{"status":500,"ms":7}' },
        { message: `KeyError: ${index}`, fields: '{"status":200,"user":"u1"}' },
      ]
      return lines.map((line, at) => recordOf(WEB, { ...line, time: NOON + BigInt(index) * SECOND + BigInt(at) }))
    }
    beforeEach(() =>
      ingest([
        ...trace(0),
        ...trace(1),
        ...linesOf(DB, 3, { message: 'select', fields: '{"ms":1}', source: 'stderr' }),
      ]),
    )

    it('have the fields of their lines, each of the first that has it', async () => {
      const { records } = await ask<ApiPage>('search?events=true&service=shop_web')
      expect(records).toMatchObject(Array(2).fill({ fields: { status: 500, ms: 7, user: 'u1' } }))
      const { fields } = await ask<ApiFields>('fields?events=true')
      const counts = Object.fromEntries(fields.map(({ name, records: count }) => [name, count]))
      expect(counts).toMatchObject({ level: 2, source: 5, service: 5, status: 2, user: 2, ms: 5 })
    })

    it.each([
      ['field=status', [[500, 2]], 3],
      ['field=status&q=KeyError+status:200', [], 0],
      ['field=level', [['error', 2]], 3],
      ['field=service&q=failed+keyerror', [['shop_web', 2]], 0],
      [
        'field=service',
        [
          ['data_db', 3],
          ['shop_web', 2],
        ],
        0,
      ],
      ['field=user&examine=4', [['u1', 1]], 3],
    ])('count once among the values of %s', async (query, values, without) => {
      const answer = await ask<ApiValues>(`values?events=true&${query}`)
      expect(answer.values.map(({ value, records }) => [value, records])).toEqual(values)
      expect(answer.without).toBe(without)
    })

    it('are reckoned with and clustered as one', async () => {
      const { groups, examined } = await ask<ApiStats>('stats?events=true&field=ms&by=level')
      expect(groups.map(({ by, count, sum }) => [by.level, count, sum])).toEqual([
        [null, 3, 3],
        ['error', 2, 14],
      ])
      expect(examined).toMatchObject({ records: 5, limited: false, from: formatTime(NOON) })
      const lengths = await ask<ApiStats>('stats?events=true&field=message.bytes&service=shop_web')
      const length = trace(0).reduce((sum, { message }) => sum + message.length + 1, -1)
      expect(lengths.groups).toMatchObject([{ count: 2, sum: 2 * length }])
      const { patterns } = await ask<ApiPatterns>('patterns?events=true')
      expect(patterns).toMatchObject([
        { pattern: 'select', records: 3, share: 3 / 5 },
        {
          pattern: 'ERROR failed',
          records: 2,
          example: { event_lines: 4, message: expect.stringMatching(/KeyError: 1$/) },
        },
      ])
      const compared = await ask<ApiPatterns>('patterns?events=true&since=30m&compare=true')
      expect(compared).toMatchObject({ patterns: [], examined: { records: 0 }, examined_before: { records: 5 } })
    })

    it('are asked for by POST, too', async () => {
      const response = await fetch(`${server.url}/api/v1/values`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ events: true, field: 'service', q: 'failed KeyError' }),
      })
      expect(await response.json()).toMatchObject({ values: [{ value: 'shop_web', records: 2 }] })
    })
  })
})
