import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve, type TestServer } from '../serve.ts'
import { API, linesOf, NOON, SECOND, WEB } from '../store/records.ts'

describe('knownCount', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await serve()
    await server.context.ingestor.records(linesOf(WEB, 3, { time: NOON }))
    await server.context.ingestor.records(linesOf(API, 5, { time: NOON + 60n * SECOND }))
  })
  afterAll(() => server.close())

  it.each([
    ['', '8'],
    ['target=web', '3'],
    ['until=now', '8'],
    [`until=${NOON / SECOND + 60n}`, '3'],
    [`until=${NOON / SECOND}`, '0'],
    [`until=${NOON / SECOND}.001`, null],
    [`target=web&until=${NOON / SECOND}.003`, '3'],
    ['since=1h', null],
    ['n=5', null],
    ['grep=x', null],
    ['source=stderr', null],
  ])('tells the lines of %j by the catalog', async (query, expected) => {
    const { headers } = await server.get(`/api/v1/search?${query}`)
    expect(headers.get('swarmlogs-records')).toBe(expected)
  })
})
