import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { serve, type TestServer } from '../server/serve.ts'
import type { StoreUnderTest } from '../server/store/contract.ts'
import { NOON, recordOf, SECOND, streamOf } from '../server/store/records.ts'
import { STORES } from '../server/stores.ts'

/*
 * The requests that Grafana's data source for Loki (health check, Explore, its query builder, Drilldown) and logcli send, letter by
 * letter as far as times allow, and what they need of the answers.
 */

const WEB = streamOf('web')
const API = streamOf('api', { nodeId: 'node0', nodeName: 'worker-0' })
const HOUR = 3_600n * SECOND
const NOW = NOON + HOUR
/** What Grafana adds since Loki 3. */
const APART = { 'x-loki-response-encoding-flags': 'categorize-labels', 'user-agent': 'Grafana/12.3.0' }

interface Answer {
  readonly status: string
  readonly warnings?: readonly string[]
  readonly data: {
    readonly resultType: string
    readonly result: readonly {
      readonly stream?: Record<string, string>
      readonly metric?: Record<string, string>
      readonly values: readonly (readonly [string | number, string, object?])[]
      readonly value?: readonly [number, string]
    }[]
    readonly stats: object
    readonly encodingFlags?: readonly string[]
  }
}

describe.each(STORES)("Loki's clients over the %s store", (_, open) => {
  let under: StoreUnderTest
  let server: TestServer
  beforeAll(async () => {
    under = await open()
    server = await serve({ store: under.store, now: () => NOW })
    await server.context.ingestor.records([
      ...Array.from({ length: 60 }, (_, index) =>
        recordOf(WEB, {
          time: NOON + BigInt(index) * 10n * SECOND,
          message: `{"level":"${index % 3 === 0 ? 'error' : 'info'}","status":${index % 2 === 0 ? 200 : 503},"n":{"i":${index}}}`,
        }),
      ),
      ...Array.from({ length: 10 }, (_, index) =>
        recordOf(API, {
          source: 'stderr',
          time: NOON + BigInt(index) * 60n * SECOND,
          message: `level=warn msg="slow \\"one\\"" took=${index}s`,
        }),
      ),
    ])
  })
  afterAll(async () => {
    await server.close()
    await under.destroy()
  })

  const ask = async (path: string, parameters: Record<string, string>, headers = {}): Promise<unknown> => {
    const response = await server.get(`/loki/api/v1/${path}?${new URLSearchParams(parameters)}`, headers)
    expect([path, response.status, response.headers.get('content-type')]).toEqual([
      path,
      200,
      'application/json; charset=utf-8',
    ])
    return response.json()
  }
  const range = { start: String(NOON), end: String(NOON + HOUR) }

  describe('Grafana', () => {
    const query = async (parameters: Record<string, string>, headers = {}): Promise<Answer> =>
      (await ask('query_range', { direction: 'backward', ...range, step: '60000ms', ...parameters }, headers)) as Answer

    it('checks the health of the data source', async () => {
      const answer = await ask('query', { direction: 'backward', query: 'vector(1)+vector(1)', time: '4000000000' })
      expect(answer).toMatchObject({
        status: 'success',
        data: { resultType: 'vector', result: [{ metric: {}, value: [4_000_000_000, '2'] }] },
      })
    })

    it('shows lines, labels of lines apart', async () => {
      const { status, data } = await query({ query: '{service_name="shop_web"} |= ``', limit: '1000' }, APART)
      expect([status, data.resultType, data.encodingFlags]).toEqual(['success', 'streams', ['categorize-labels']])
      const [stream, ...others] = data.result
      expect(others).toEqual([])
      expect(stream?.stream).toMatchObject({ service: 'shop_web', node: 'worker-1', slot: '1', stack: 'shop' })
      expect(stream?.stream).not.toHaveProperty('level')
      expect(stream?.values).toHaveLength(60)
      expect(stream?.values[0]).toEqual([
        String(NOON + 590n * SECOND),
        '{"level":"info","status":503,"n":{"i":59}}',
        { structuredMetadata: { level: 'info', source: 'stdout' } },
      ])
    })

    it('shows what a parser made of lines', async () => {
      const expr = '{service="shop_web"} | json | status >= 500 | n_i < 4'
      const apart = await query({ query: expr, limit: '10' }, APART)
      expect(apart.data.result.flatMap(({ values }) => values.map(([, , labels]) => labels))).toEqual([
        { structuredMetadata: { source: 'stdout' }, parsed: { level: 'error', n_i: '3', status: '503' } },
        { structuredMetadata: { source: 'stdout' }, parsed: { level: 'info', n_i: '1', status: '503' } },
      ])
      const together = await query({ query: expr, limit: '10' })
      expect(together.data.encodingFlags).toBeUndefined()
      expect(together.data.result.map(({ stream, values }) => [stream?.level, stream?.n_i, values[0]?.length])).toEqual(
        [
          ['error', '3', 2],
          ['info', '1', 2],
        ],
      )
    })

    it('draws how many lines there are by level', async () => {
      const expr = 'sum by (level, detected_level) (count_over_time({service=~".+"} | drop __error__[1m]))'
      const { data } = await query({ query: expr }, { 'x-query-tags': 'Source=logvolhist' })
      expect(data.resultType).toBe('matrix')
      const sums = data.result.map(({ metric, values }) => [metric, values.reduce((sum, [, n]) => sum + Number(n), 0)])
      expect(sums).toEqual(
        expect.arrayContaining([
          [{ level: 'error', detected_level: 'error' }, 20],
          [{ level: 'info', detected_level: 'info' }, 40],
          [{ level: 'warn', detected_level: 'warn' }, 10],
        ]),
      )
      // The window of a point ends with it, and the line of its very end counts.
      expect(data.result.find(({ metric }) => metric?.level === 'warn')?.values.slice(0, 2)).toEqual([
        [Number(NOON / SECOND), '1'],
        [Number(NOON / SECOND) + 60, '1'],
      ])
    })

    it('looks around a line', async () => {
      const at = NOON + 300n * SECOND
      const { data } = await query({
        ...{ query: '{service="shop_web",node="worker-1",container="shop_web.1.task-web"}', direction: 'forward' },
        ...{ start: String(at), end: String(at + 2n * HOUR), limit: '3' },
      })
      const times = data.result.flatMap(({ values }) => values.map(([time]) => BigInt(time)))
      expect(times.sort()).toEqual([at, at + 10n * SECOND, at + 20n * SECOND])
    })

    it('offers labels and their values', async () => {
      const names = [
        'cluster',
        'container',
        'image',
        'level',
        'node',
        'service',
        'service_name',
        'slot',
        'source',
        'stack',
      ]
      expect(await ask('labels', range)).toEqual({ status: 'success', data: [...names, 'task'] })
      expect(await ask('label/service_name/values', { ...range, query: '{node="worker-0"}' })).toEqual({
        status: 'success',
        data: ['shop_api'],
      })
      expect(await ask('label/nope/values', range)).toEqual({ status: 'success', data: [] })
      expect(await ask('series', { 'match[]': '{service=~"shop_(web|db)"}', ...range })).toEqual({
        status: 'success',
        data: [expect.objectContaining({ service: 'shop_web', task: 'shop_web.1.task-web' })],
      })
      const { detectedLabels } = (await ask('detected_labels', range)) as { detectedLabels: object[] }
      expect(detectedLabels).toContainEqual({ label: 'service', cardinality: 2 })
    })

    it('tells how much a query is about', async () => {
      const stats = await ask('index/stats', { query: '{service="shop_web"}', ...range })
      expect(stats).toEqual({ streams: 1, chunks: 1, entries: 60, bytes: expect.any(Number) })
      const volumes = (await ask('index/volume', {
        ...{ query: '{service_name=~`.+`}', targetLabels: 'service_name', limit: '5000', ...range },
      })) as Answer
      expect(volumes.data.result.map(({ metric }) => metric)).toEqual([
        { service_name: 'shop_web' },
        { service_name: 'shop_api' },
      ])
      const drawn = (await ask('index/volume_range', {
        query: '{service="shop_web"}',
        step: '600',
        ...range,
      })) as Answer
      expect(drawn.data.resultType).toBe('matrix')
    })

    it('offers fields of lines', async () => {
      const asked = { query: '{service="shop_web"}', limit: '1000', ...range }
      const { fields } = (await ask('detected_fields', asked)) as { fields: unknown[] }
      expect(fields).toContainEqual({
        ...{ label: 'n_i', type: 'int', cardinality: 60, parsers: ['json'], jsonPath: ['n', 'i'] },
      })
      expect(await ask('detected_field/status/values', asked)).toEqual({ values: ['503', '200'], limit: 1000 })
    })

    it('shows the message of an error', async () => {
      const parameters = new URLSearchParams({ query: 'quantile_over_time(0.9, {a="b"} | unwrap x [5m])', ...range })
      const response = await server.get(`/loki/api/v1/query_range?${parameters}`)
      expect([response.status, await response.json()]).toEqual([
        400,
        { message: expect.stringContaining('quantile_over_time') },
      ])
    })

    it('asks which tail there is, and follows', async () => {
      expect((await server.get('/loki/api/v2alpha/tail')).status).toBe(404)
      const another = await serve({ store: under.store, now: () => NOW })
      const socket = tail(`query=${encodeURIComponent('{service="shop_web"} |= "error"')}`, another)
      const [history] = await once(socket, 'message')
      const streams = JSON.parse(String(history)).streams as { stream: object; values: [string, string][] }[]
      expect(streams.flatMap(({ values }) => values).map(([time]) => BigInt(time))).toEqual(
        Array.from({ length: 20 }, (_, index) => NOON + BigInt(index) * 30n * SECOND),
      )
      const next = once(socket, 'message')
      await another.context.ingestor.records([
        recordOf(API, { time: NOW, message: 'another error' }),
        recordOf(WEB, { time: NOW, message: 'nothing' }),
        recordOf(WEB, { time: NOW + 1n, message: 'an error' }),
      ])
      expect(JSON.parse(String((await next)[0]))).toEqual({
        streams: [
          {
            stream: expect.objectContaining({ service: 'shop_web', source: 'stdout' }),
            values: [[String(NOW + 1n), 'an error']],
          },
        ],
      })
      // When the server stops, clients must come again: both do so only when the end was no proper one.
      const closed = once(socket, 'close')
      await another.close()
      expect((await closed)[0]).toBe(1006)
    })
  })

  describe('logcli', () => {
    it('pages through lines, and says what all have in common', async () => {
      const seen: string[] = []
      let end = NOON + HOUR
      for (let batch = 1; batch > 0; ) {
        const parameters = { direction: 'BACKWARD', end: String(end), limit: '25', query: '{service=~".+"}' }
        const { data } = (await ask('query_range', { ...parameters, start: range.start })) as Answer
        const values = data.result.flatMap(({ values }) => values)
        batch = values.filter(([time, line]) => !seen.includes(`${time} ${line}`)).length
        seen.push(...values.map(([time, line]) => `${time} ${line}`).filter((line) => !seen.includes(line)))
        end = values.reduce((least, [time]) => (BigInt(time) < least ? BigInt(time) : least), end) + 1n
      }
      expect(seen).toHaveLength(70)
    })

    it('asks for numbers with a step in seconds', async () => {
      const answer = (await ask('query_range', {
        ...{ direction: 'BACKWARD', limit: '30', step: '300.000000', ...range },
        query: 'sum by (service) (rate({service=~".+"} |~ "err|slow" [5m])) > 0.02',
      })) as Answer
      expect(answer.data.result).toEqual([
        {
          metric: { service: 'shop_web' },
          values: [
            [Number(NOON / SECOND) + 300, String(10 / 300)],
            [Number(NOON / SECOND) + 600, String(9 / 300)],
          ],
        },
      ])
    })

    it('asks for numbers at a moment', async () => {
      const query = 'topk(1, sum by (service) (count_over_time({service=~".+"}[1h])))'
      const asked = { direction: 'BACKWARD', limit: '30', query, time: String(NOON + 300n * SECOND) }
      expect(((await ask('query', asked)) as Answer).data.result).toEqual([
        { metric: { service: 'shop_web' }, value: [Number(NOON / SECOND) + 300, '31'] },
      ])
    })

    it('sends selectors of series as match, and forms by POST', async () => {
      const { data } = (await ask('series', { match: '{service=~".+"}', ...range })) as { data: object[] }
      expect(data).toHaveLength(2)
      const response = await fetch(`${server.url}/loki/api/v1/query_range`, {
        method: 'POST',
        body: new URLSearchParams({ query: '{service="shop_api"}', ...range }),
      })
      expect(((await response.json()) as Answer).data.result[0]?.values).toHaveLength(10)
    })

    it('tails the newest lines first', async () => {
      const socket = tail(`limit=2&start=${NOON}&delay_for=1&query=${encodeURIComponent('{service="shop_api"}')}`)
      const [history] = await once(socket, 'message')
      expect(JSON.parse(String(history)).streams[0].values.map(([time]: [string]) => BigInt(time))).toEqual([
        NOON + 480n * SECOND,
        NOON + 540n * SECOND,
      ])
      socket.terminate()
    })
  })

  function tail(query: string, { url } = server): WebSocket {
    return new WebSocket(`${url.replace('http', 'ws')}/loki/api/v1/tail?${query}`)
  }
})
