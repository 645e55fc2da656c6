import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ApiHistogram } from '../../../shared/api/answers.ts'
import { formatTime } from '../../../shared/time.ts'
import { serve, type TestServer } from '../serve.ts'
import type { StoreUnderTest } from '../store/contract.ts'
import { linesOf, NOON, recordOf, SECOND, streamOf } from '../store/records.ts'
import { STORES } from '../stores.ts'

const MINUTE = 60n * SECOND

describe.each(STORES)('GET /api/v1/count and /histogram over the %s store', (_, open) => {
  let under: StoreUnderTest
  let server: TestServer
  beforeEach(async () => {
    under = await open()
    server = await serve({ store: under.store, now: () => NOON + 60n * MINUTE })
    await server.context.ingestor.records([
      ...linesOf(streamOf('web'), 50),
      ...linesOf(streamOf('db', { service: 'data_db', stack: 'data' }), 30, { time: NOON + 30n * MINUTE }),
    ])
  })
  afterEach(async () => {
    await server.close()
    await under.destroy()
  })
  const ask = async (path: string): Promise<unknown> => {
    const response = await server.get(`/api/v1/${path}`)
    expect(response.status).toBe(200)
    return response.json()
  }

  it.each([
    ['', 80],
    ['target=web', 50],
    ['service=data_*', 30],
    ['grep=LINE%202&since=1h', 22],
    ['q=%22line+2%22+service:data_*', 11],
    ['since=45m', 30],
    ['source=stderr', 0],
  ])('counts what a search finds: %s', async (query, records) => {
    expect(await ask(`count?${query}`)).toMatchObject({ records, completeness: { verdict: 'unknown' } })
  })

  it('counts by time, and apart what is asked for', async () => {
    expect(await ask('histogram?interval=30m&by=service')).toMatchObject({
      interval: '30m',
      buckets: [
        { start: formatTime(NOON), records: 50, counts: { shop_web: 50 } },
        { start: formatTime(NOON + 30n * MINUTE), records: 30, counts: { data_db: 30 } },
      ],
    })
    expect(await ask('histogram?interval=2h&target=web')).toMatchObject({
      interval: '2h',
      buckets: [{ start: formatTime(NOON), records: 50 }],
    })
  })

  it('counts events, each where its first line is', async () => {
    const stream = streamOf('trace', { service: 'trace' })
    const trace = ['failed', '  at a', '  at b', 'fine', ' too']
    const at = NOON + MINUTE - SECOND
    await server.context.ingestor.records(
      trace.map((message, index) => recordOf(stream, { message, level: '', time: at + BigInt(index) * SECOND })),
    )
    expect(await ask('count?service=trace&events=1')).toMatchObject({ records: 2 })
    expect(await ask('count?service=trace&events=1&q=at+failed')).toMatchObject({ records: 1 })
    expect(await ask('count?service=trace&events=1&q=too+failed')).toMatchObject({ records: 0 })
    expect(await ask('histogram?service=trace&events=1&interval=1m&by=service')).toMatchObject({
      buckets: [
        { start: formatTime(NOON), records: 1, counts: { trace: 1 } },
        { start: formatTime(NOON + MINUTE), records: 1, counts: { trace: 1 } },
      ],
    })
  })

  it('counts by any field of the lines', async () => {
    const fields = (status: number) => ({ fields: JSON.stringify({ status, 'user.id': 'x' }) })
    await server.context.ingestor.records([
      ...linesOf(streamOf('api'), 3, fields(200)),
      ...linesOf(streamOf('mail'), 2, fields(503)),
    ])
    const range = 'interval=2h&until=45m'
    expect(await ask(`histogram?${range}&by=status`)).toMatchObject({
      buckets: [{ records: 55, counts: { '': 50, 200: 3, 503: 2 } }],
      examined: { records: 55, limited: false },
    })
    expect(await ask(`histogram?${range}&by=status&examine=5`)).toMatchObject({
      examined: { records: 5, limited: true },
    })
    expect(await ask(`histogram?${range}&by=host.name`)).toMatchObject({ buckets: [{ counts: { 'worker-1': 55 } }] })
    expect(await ask(`histogram?${range}&by=task&service=shop_mail`)).toMatchObject({
      buckets: [{ counts: { 'shop_mail.1.task-mail': 2 } }],
    })
  })

  it('counts by values that have line breaks', async () => {
    const stream = streamOf('mail', { service: 'mail\r\nx' })
    await server.context.ingestor.records([recordOf(stream, { fields: JSON.stringify({ user: 'a\u2028b' }) })])
    const one = (key: string) => ({ buckets: [{ counts: { [key]: 1 } }] })
    const range = 'interval=2h&container=container-mail'
    expect(await ask(`histogram?${range}&by=service`)).toMatchObject(one('mail\r\nx'))
    expect(await ask(`histogram?${range}&by=user`)).toMatchObject(one('a\u2028b'))
  })

  it('takes long questions by POST', async () => {
    const post = (path: string, body: unknown) =>
      fetch(`${server.url}/api/v1/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const services = Array.from({ length: 400 }, (_, index) => `nope-${String(index).repeat(50)}`)
    expect(await (await post('count', { service: [...services, 'shop_web'], current: false })).json()).toMatchObject({
      records: 50,
    })
    const refused = await post('histogram', { interval: 0 })
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { error: expect.objectContaining({ parameter: 'interval' }) },
    ])
    for (const body of [null, [], 'x', 7]) {
      const response = await post('count', body)
      expect([response.status, await response.json()]).toEqual([
        400,
        { error: expect.objectContaining({ message: expect.stringMatching(/^cannot/) }) },
      ])
    }
    expect((await post('count?since=1h', {})).status).toBe(400)
  })

  it.each([
    ['since=1h', '1m'],
    ['since=2026-01-01', '1m'],
    ['since=5s', '100ms'],
    ['target=data_db', '30s'],
  ])('finds an interval: %s', async (query, interval) => {
    expect(((await ask(`histogram?${query}`)) as ApiHistogram).interval).toBe(interval)
  })

  it('says what it answers about', async () => {
    const response = await server.get('/api/v1/count?target=db&since=2000-01-01')
    expect(response.headers.get('swarmlogs-targets')).toBe('data_db')
    expect(response.headers.get('swarmlogs-begins')).toBe(formatTime(NOON))
    expect(response.headers.get('swarmlogs-matched')).toBe('1')
  })

  it.each([
    ['count?n=5', 400, 'n'],
    ['histogram?interval=often', 400, 'interval'],
    ['histogram?interval=0', 400, 'interval'],
    ['histogram?by=', 400, 'by'],
    ['histogram?by=service,level', 400, 'by'],
    ['count?target=wbe', 404, 'target'],
  ])('refuses %s', async (path, status, parameter) => {
    const response = await server.get(`/api/v1/${path}`)
    expect([response.status, await response.json()]).toEqual([
      status,
      { error: expect.objectContaining({ parameter, message: expect.stringMatching(/^cannot/) }) },
    ])
  })
})
