import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import type { StoredRecord } from '../../../shared/record.ts'
import { serve, type TestServer } from '../serve.ts'
import { MemoryStore } from '../store/memory.ts'
import { gapOf, linesOf, NOON, recordOf, SECOND, streamOf } from '../store/records.ts'

/** Searches of it wait until nobody waits for them any more. */
class WaitingStore extends MemoryStore {
  readonly begun = Promise.withResolvers<AbortSignal>()

  override async *search(_query: unknown, signal?: AbortSignal): AsyncGenerator<readonly StoredRecord[]> {
    if (signal === undefined) throw new Error('no signal')
    this.begun.resolve(signal)
    await once(signal, 'abort')
    yield* []
  }
}

let server: TestServer
afterEach(async () => {
  await server.close()
})
const WEB = streamOf('web')
const selector = encodeURIComponent('{service="shop_web"}')
const connect = (query: string) => new WebSocket(`${server.url.replace('http', 'ws')}/loki/api/v1/tail?${query}`)

it.each(['query_range', 'query'])('ends the search of %s when its client is gone', async (path) => {
  const store = new WaitingStore()
  server = await serve({ store })
  const left = new AbortController()
  const query = encodeURIComponent('sum(bytes_over_time({service="shop_web"}[5m]))')
  const answer = fetch(`${server.url}/loki/api/v1/${path}?query=${query}`, { signal: left.signal }).catch(() => 'left')
  const signal = await store.begun.promise
  const aborted = once(signal, 'abort')
  left.abort()
  expect(await answer).toBe('left')
  await aborted
})

it('ends the history of a tail when its client is gone', async () => {
  const store = new WaitingStore()
  server = await serve({ store })
  const socket = connect(`query=${selector}`)
  await once(socket, 'open')
  const signal = await store.begun.promise
  const aborted = once(signal, 'abort')
  socket.terminate()
  await aborted
})

it('says in Loki\u2019s form what is not there, and what is wrong', async () => {
  server = await serve()
  for (const [path, status, message] of [
    ['patterns?query=x', 404, "this part of Loki's API"],
    ['push', 404, "this part of Loki's API"],
    ['query_range?query=', 400, 'without a query'],
    [`query_range?query=${selector}&limit=0`, 400, 'limit=0'],
    [`query_range?query=${selector}&interval=5s`, 400, 'interval'],
    [`query?query=${selector}`, 400, 'log queries are not supported as an instant query type'],
    [`index/volume?query=${selector}&aggregateBy=labels`, 400, 'aggregateBy=labels'],
    ['format_query?query=%7B', 400, 'at 2'],
  ] as const) {
    const response = await server.get(`/loki/api/v1/${path}`)
    expect([path, response.status, await response.json()]).toEqual([
      path,
      status,
      { message: expect.stringContaining(message) },
    ])
  }
})

it.each([
  ['', 'without a query'],
  [`query=${selector}&delay_for=6`, 'delay_for'],
  ['query=vector(1)', 'numbers over time'],
])('refuses a tail before it begins: %s', async (query, message) => {
  server = await serve()
  const socket = connect(query)
  const [, response] = await once(socket, 'unexpected-response')
  response.setEncoding('utf8')
  const [body] = await once(response, 'data')
  expect([response.statusCode, JSON.parse(body)]).toEqual([400, { message: expect.stringContaining(message) }])
})

it('serves no more tails than it has places', async () => {
  server = await serve({ slots: 0 })
  const [code] = await once(connect(`query=${selector}`), 'close')
  expect(code).toBe(1013)
})

it('tells its version, and gives queries back', async () => {
  server = await serve()
  expect(await (await server.get('/loki/api/v1/status/buildinfo')).json()).toMatchObject({ version: '1.2.3' })
  const formatted = await server.get(`/loki/api/v1/format_query?query=%20${selector}`)
  expect(await formatted.json()).toEqual({ status: 'success', data: '{service="shop_web"}' })
})

it('warns of lines that are missing', async () => {
  server = await serve({ now: () => NOON + 60n * SECOND })
  await server.context.ingestor.records(linesOf(WEB, 3), [gapOf(WEB)])
  const ask = async (query: string) =>
    (await server.get(`/loki/api/v1/query_range?start=${NOON}&query=${encodeURIComponent(query)}`)).json()
  const warnings = [expect.stringMatching(/^lines are missing: .*1 gaps/)]
  expect(await ask('{service="shop_web"}')).toMatchObject({ status: 'success', warnings })
  expect(await ask('sum(count_over_time({service="shop_web"}[1m]))')).toMatchObject({ warnings })
  expect(await ask('{service="shop_db"}')).not.toHaveProperty('warnings')
})

it('leaves no hole and no double between the history of a tail and what follows', async () => {
  server = await serve()
  const now = BigInt(Date.now()) * 1_000_000n
  const all = Array.from({ length: 60 }, (_, index) =>
    recordOf(WEB, { time: now + BigInt(index), message: `${index}` }),
  )
  await server.context.ingestor.records(all.slice(0, 20))
  const socket = connect(`query=${selector}&start=${now - SECOND}&limit=1000`)
  const seen: string[] = []
  const isDone = Promise.withResolvers<void>()
  socket.on('message', (data) => {
    const { streams } = JSON.parse(String(data)) as { streams: { values: [string, string][] }[] }
    seen.push(...streams.flatMap(({ values }) => values.map(([, line]) => line)))
    if (seen.at(-1) === '59') isDone.resolve()
  })
  for (const record of all.slice(20, 40)) await server.context.ingestor.records([record])
  if (socket.readyState !== WebSocket.OPEN) await once(socket, 'open')
  for (const record of all.slice(40)) await server.context.ingestor.records([record])
  await isDone.promise
  expect(seen).toEqual(all.map(({ message }) => message))
  socket.terminate()
})
