import { afterAll, beforeAll, expect, it } from 'vitest'
import { installSchemathesis, type Schemathesis } from '../lab/schemathesis.ts'
import { serve, type TestServer } from '../server/serve.ts'
import type { StoreUnderTest } from '../server/store/contract.ts'
import { linesOf, streamOf } from '../server/store/records.ts'
import { STORES } from '../server/stores.ts'

const CHECKS = [
  ...['not_a_server_error', 'status_code_conformance', 'content_type_conformance'],
  ...['response_schema_conformance', 'response_headers_conformance'],
]
/** It knows neither answers without end nor bodies of lines. */
const WITHOUT = '/tail$|/ingest$'

let schemathesis: Schemathesis
let under: StoreUnderTest
let server: TestServer
beforeAll(async () => {
  schemathesis = await installSchemathesis()
}, 300_000)
afterAll(async () => {
  await server?.close()
  await under?.destroy()
  await schemathesis?.remove()
})

it('answers whatever it is asked as its document says', async () => {
  const open = STORES.find(([name]) => name === 'embedded')?.[1]
  if (open === undefined) throw new Error('BUG: no embedded store')
  under = await open()
  server = await serve({ store: under.store, tokens: () => ['secret'] })
  await server.context.ingestor.records([
    ...linesOf(streamOf('web'), 100, { level: 'error', fields: '{"ms":12,"user.id":"x"}' }),
    ...linesOf(streamOf('api'), 100, { source: 'stderr' }),
  ])
  const { code, stdout } = await schemathesis.run(
    [
      ...[
        'run',
        `${server.url}/docs/json`,
        '--header',
        'Authorization: Bearer secret',
        '--exclude-path-regex',
        WITHOUT,
      ],
      ...['--phases', 'examples,fuzzing', '--checks', CHECKS.join(','), '--seed', '1', '--generation-database', 'none'],
      ...['--max-examples', '20', '--max-time', '40', '--request-timeout', '20'],
    ],
    110_000,
  )
  expect([code, stdout]).toEqual([0, stdout])
  expect(stdout).toMatch(/[1-9]\d* passed/)
}, 120_000)
