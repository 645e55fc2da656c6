import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { EVERYTHING } from '../../server/query/query.ts'
import { type Elastic, startElastic } from '../lab/elastic.ts'
import { installSchemathesis, type Schemathesis } from '../lab/schemathesis.ts'
import { serve, type TestServer } from '../server/serve.ts'
import type { StoreUnderTest } from '../server/store/contract.ts'
import { openElastic } from '../server/store/elasticsearch.ts'
import { linesOf, streamOf } from '../server/store/records.ts'
import { STORES } from '../server/stores.ts'

const CHECKS = [
  ...['not_a_server_error', 'status_code_conformance', 'content_type_conformance'],
  ...['response_schema_conformance', 'response_headers_conformance'],
]
/** There before anything is asked. */
const LINES = 200

let schemathesis: Schemathesis
let under: StoreUnderTest | undefined
let server: TestServer | undefined
beforeAll(async () => {
  schemathesis = await installSchemathesis()
}, 300_000)
afterAll(async () => {
  await schemathesis?.remove()
})
afterEach(async () => {
  await server?.close()
  await under?.destroy()
  server = undefined
  under = undefined
})

async function openEmbedded(): Promise<StoreUnderTest> {
  const open = STORES.find(([name]) => name === 'embedded')?.[1]
  if (open === undefined) throw new Error('BUG: no embedded store')
  return open()
}

/** Has a server on the store asked so many things for so many seconds; answers what schemathesis says, which found nothing. */
async function examine(
  opened: StoreUnderTest,
  examples: number,
  seconds: number,
  more: string[] = [],
): Promise<string> {
  under = opened
  server = await serve({ store: opened.store, tokens: () => ['secret'] })
  await server.context.ingestor.records([
    ...linesOf(streamOf('web'), LINES / 2, { level: 'error', fields: '{"ms":12,"user.id":"x"}' }),
    ...linesOf(streamOf('api'), LINES / 2, { source: 'stderr' }),
  ])
  const { code, stdout } = await schemathesis.run(
    [
      ...['run', `${server.url}/docs/json`, '--header', 'Authorization: Bearer secret', ...more],
      ...['--phases', 'examples,fuzzing', '--checks', CHECKS.join(','), '--seed', '1', '--generation-database', 'none'],
      ...['--max-examples', String(examples), '--max-time', String(seconds), '--request-timeout', '20'],
    ],
    seconds * 2_000 + 60_000,
  )
  expect(code, stdout).toBe(0)
  expect(stdout).toMatch(/[1-9]\d* passed/)
  return stdout
}

describe('the server answers whatever it is asked as its document says', () => {
  it('on the embedded store', async () => {
    await examine(await openEmbedded(), 20, 40)
  }, 150_000)

  it('about the lines that it takes, and those that it follows', async () => {
    await examine(await openEmbedded(), 50, 20, ['--include-path-regex', '/tail$|/ingest$'])
    expect(await under?.store.count({ filter: EVERYTHING })).toBeGreaterThan(LINES)
  }, 120_000)

  describe('in short', () => {
    let elastic: Elastic
    beforeAll(async () => {
      elastic = await startElastic()
    }, 300_000)
    afterAll(async () => {
      await elastic?.stop()
    })

    it('on Elasticsearch', async () => {
      await examine(await openElastic(elastic.urls[0] ?? ''), 5, 40)
    }, 180_000)
  })
})
