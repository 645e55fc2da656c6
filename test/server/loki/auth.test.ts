import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { serve, type TestServer } from '../serve.ts'

let server: TestServer
beforeAll(async () => {
  server = await serve({ tokens: () => ['secret:1', 'other'] })
})
afterAll(async () => {
  await server.close()
})
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`

it.each([
  ['Bearer secret:1', 200],
  ['bearer other', 200],
  [basic('anybody:secret:1'), 200],
  [basic(':other'), 200],
  [basic('other'), 401],
  [basic('other:wrong'), 401],
  ['Bearer wrong', 401],
  ['', 401],
])('takes a token as Bearer, and as password of Basic: %s', async (authorization, status) => {
  const response = await server.get('/loki/api/v1/labels', { authorization, 'x-scope-orgid': 'tenant' })
  expect(response.status).toBe(status)
  if (status === 200) return
  expect(await response.json()).toEqual({ message: expect.stringMatching(/^cannot/) })
  expect(response.headers.get('www-authenticate')).toContain('Basic')
})

it('asks tails for a token before they begin', async () => {
  const url = `${server.url.replace('http', 'ws')}/loki/api/v1/tail?query=%7Ba%3D%22b%22%7D`
  const socket = new WebSocket(url)
  const { promise, resolve } = Promise.withResolvers<number | undefined>()
  socket.once('unexpected-response', (_request, response) => resolve(response.statusCode))
  expect(await promise).toBe(401)
})

it('is ready for everybody, and no part of the description of our own API', async () => {
  const ready = await server.get('/ready')
  expect([ready.status, await ready.text()]).toEqual([200, 'ready\n'])
  expect((await server.get('/loki/ready')).status).toBe(401)
  const description = await (await server.get('/docs/json')).text()
  expect(description).not.toContain('loki')
})
