import { afterAll, beforeAll, expect, it } from 'vitest'
import { serve, type TestServer } from '../server/serve.ts'
import { linesOf, streamOf } from '../server/store/records.ts'
import { startCli } from './scripted.ts'

/** As long as a query may be, and three times as long in an address. */
const LONG = `service:shop_web ("line 3" OR ${Array.from({ length: 40 }, (_, at) => `"${'ü'.repeat(190)}${at}"`).join(' OR ')})`

let server: TestServer
beforeAll(async () => {
  server = await serve()
  await server.context.ingestor.records([...linesOf(streamOf('web'), 10), ...linesOf(streamOf('db'), 10)])
})
afterAll(() => server.close())

it.each([
  [['search', '--raw', '--since', '2020-01-01'], 'line 3\n'],
  [['tail', '--raw', '--since', '2020-01-01'], 'line 3\n'],
  [['tail', '-f', '--raw', '--since', '2020-01-01', '--until', '2199-01-01'], 'line 3\n'],
  [['values', '--since', '2020-01-01', 'service'], 'shop_web   1'],
  [['histogram', '--since', '2020-01-01', '-o', 'json'], '"records":1'],
])('%j asks a query that is too long for an address', async (args, shown) => {
  expect(LONG.length).toBeGreaterThan(7900)
  expect(LONG.length).toBeLessThan(8193)
  const cli = startCli([...args, LONG], { SWARMLOGS_URL: server.url })
  await cli.until(shown)
  cli.child.kill('SIGINT')
  expect((await cli.ended).stderr).not.toContain('error')
})
