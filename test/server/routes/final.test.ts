import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatTime } from '../../../shared/time.ts'
import { inventoryOf } from '../inventory.ts'
import { reportOf } from '../report.ts'
import { serve, type TestServer } from '../serve.ts'
import { linesOf, NOON, recordOf, SECOND, WEB } from '../store/records.ts'

const nodes = [
  { id: 'node1', name: 'worker-1', role: 'worker', availability: 'active', state: 'ready', engine: '26' },
] as const
const RANGE = `since=${formatTime(NOON)}&until=${formatTime(NOON + 60n * SECOND)}`

describe('an answer that can never change', () => {
  let server: TestServer
  beforeEach(async () => {
    server = await serve()
    const { ingestor, now } = server.context
    await ingestor.records(linesOf(WEB, 10, { level: 'error', fields: '{"ms":7}' }))
    ingestor.agent('node1', 'worker-1')
    await ingestor.inventory(inventoryOf({ nodes }))
    ingestor.report(reportOf({ upTo: String(now()) }))
  })
  afterEach(() => server.close())
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const response = await server.get(`/api/v1/${path}`, headers)
    const text = await response.text()
    const [cache, tag] = ['cache-control', 'etag'].map((name) => response.headers.get(name))
    return { status: response.status, cache, tag, text }
  }

  it.each(['count?', 'histogram?by=level&', 'values?field=level&', 'stats?field=ms&', 'patterns?'])(
    'may be kept, and is known again: %s',
    async (path) => {
      const first = await ask(`${path}${RANGE}`)
      expect(first).toMatchObject({
        status: 200,
        cache: 'private, max-age=3600',
        tag: expect.stringMatching(/^W\/".+"$/),
      })
      await server.context.ingestor.records([recordOf(WEB, { message: 'later', time: NOON + 3600n * SECOND })])
      expect(await ask(`${path}${RANGE}`)).toMatchObject({ status: 200, tag: first.tag })
      expect(await ask(`${path}${RANGE}`, { 'if-none-match': `"x", ${first.tag}` })).toEqual({
        ...{ status: 304, cache: first.cache, tag: first.tag, text: '' },
      })
      expect(await ask(`${path}${RANGE}&grep=line%201`, { 'if-none-match': first.tag ?? '' })).toMatchObject({
        status: 200,
      })
    },
  )

  it('is asked for again where somebody may note something: pages and contexts', async () => {
    const { cursor } = JSON.parse((await ask(`search?limit=1&${RANGE}`)).text)
    for (const path of [`search?${RANGE}`, `context?cursor=${cursor}&${RANGE}`]) {
      const first = await ask(path)
      expect(first).toMatchObject({ status: 200, cache: 'private, no-cache', tag: expect.stringMatching(/^W\/".+"$/) })
      const known = { 'if-none-match': first.tag ?? '' }
      expect(await ask(path, known)).toMatchObject({ status: 304, cache: first.cache })
      await server.context.annotations.add({ from: NOON, made: NOON, by: 'anna', text: 'late' })
      expect(await ask(path, known)).toMatchObject({ status: 200, text: expect.stringContaining('late') })
    }
  })

  it.each([
    ['is open', 'count?'],
    ['has no beginning', `count?until=${formatTime(NOON + 60n * SECOND)}`],
    ['reaches back before the store', `count?since=2020-01-01&until=${formatTime(NOON + 60n * SECOND)}`],
    ['ends in the future', `count?since=${formatTime(NOON)}&until=2100-01-01`],
    ['has relative times', 'count?since=2d&until=1m'],
    ['is about what there is now', `count?${RANGE}&current=true`],
  ])('is none that %s', async (_, path) => {
    expect(await ask(path)).toMatchObject({ status: 200, cache: 'no-store', tag: null })
  })

  it('is none of what a sender of which nobody knows when it has sent all has sent', async () => {
    await server.context.ingestor.records([recordOf({ ...WEB, containerId: '', tag: 'x' }, { chunk: 'c' })])
    expect(await ask(`count?${RANGE}`)).toMatchObject({ cache: 'no-store', tag: null })
  })

  it('is none that is partial, and none that went wrong', async () => {
    const away = { ...nodes[0], id: 'node2', name: 'worker-2', state: 'down' }
    await server.context.ingestor.inventory(inventoryOf({ nodes: [...nodes, away] }))
    expect(await ask(`count?${RANGE}`)).toMatchObject({ status: 200, cache: 'no-store', tag: null })
    expect(await ask('count?n=1')).toMatchObject({ status: 400, cache: 'no-store', tag: null })
  })

  it('has the same headers by HEAD', async () => {
    const tags = ['GET', 'HEAD'].map(async (method) => {
      const response = await fetch(`${server.url}/api/v1/count?${RANGE}`, { method })
      return response.headers.get('etag')
    })
    const [byGet, byHead] = await Promise.all(tags)
    expect(byGet).toMatch(/^W\//)
    expect(byHead).toBe(byGet)
  })

  it('is none that was asked for by POST', async () => {
    const response = await fetch(`${server.url}/api/v1/count`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(Object.fromEntries(new URLSearchParams(RANGE))),
    })
    expect([response.status, response.headers.get('etag')]).toEqual([200, null])
  })
})
