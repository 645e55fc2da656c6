import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import type { ElasticOptions } from '../../../../server/store/elasticsearch/options.ts'
import { openElasticStore } from '../../../../server/store/elasticsearch/store.ts'

type Answer = (path: string, accept: string) => readonly [status: number, body: object]

const error = (type: string, reason: string) => ({ error: { type, reason } })
const refused = (status: number, reason: string): Answer => {
  return () => [status, error('security_exception', reason)]
}
/** 7.17 does not take the media types of a client of 8. */
const seven: Answer = (_, accept) =>
  accept.includes('compatible-with=8')
    ? [400, error('media_type_header_exception', 'Invalid media-type value on headers [Accept]')]
    : [200, { version: { number: '7.17.29' }, tagline: 'You Know, for Search' }]
/** One node of the cluster was not upgraded. */
const mixed: Answer = (path) =>
  path === '/_nodes/_all/none'
    ? [200, { nodes: { a: { version: '8.19.2' }, b: { version: '7.17.29' } } }]
    : [200, { cluster_uuid: 'a-uuid' }]

describe('the start with an Elasticsearch', () => {
  let server: Server
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })
  const problemOf = async (answer: Answer, auth?: ElasticOptions['auth'], scheme = 'http'): Promise<Error> => {
    server = createServer((request, response) => {
      const [status, body] = answer(request.url?.split('?')[0] ?? '', request.headers.accept ?? '')
      response.writeHead(status, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' })
      response.end(JSON.stringify(body))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const urls = [`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`]
    const options = { urls, ...(auth && { auth }), retentionMs: 86_400_000, log: pino({ level: 'silent' }) }
    return openElasticStore(options).then(
      () => new Error('it opened'),
      (problem: Error) => problem,
    )
  }

  it.each([
    ['of version 7', seven],
    ['with a node of version 7', mixed],
  ])('%s says which are right', async (_, answer) => {
    const problem = await problemOf(answer)
    expect(problem).toMatchObject({ code: 'SWARMLOGS_CONFIG' })
    expect(problem.message).toMatch(
      /^cannot use Elasticsearch 7\.17\.29 at http:.*: swarmlogs needs version 8 or 9; point --elasticsearch \(SWARMLOGS_ELASTICSEARCH\) at such a cluster$/,
    )
  })

  it.each<[string, Answer, ElasticOptions['auth'], readonly string[]]>([
    ['no credentials', refused(401, 'missing'), undefined, ['api-key-file', 'user', 'password-file']],
    ['a wrong API key', refused(401, 'wrong'), { apiKey: 'eDp5' }, ['api-key-file']],
    ['a wrong password', refused(401, 'wrong'), { username: 'u', password: 'p' }, ['user', 'password-file']],
    ['a key that may not write', refused(403, 'not allowed'), { apiKey: 'eDp5' }, ['api-key-file']],
    ['a user that may not write', refused(403, 'not allowed'), { username: 'u', password: 'p' }, ['user']],
  ])('with %s names the settings and their variables', async (_, answer, auth, settings) => {
    const problem = await problemOf(answer, auth)
    expect(problem).toMatchObject({ code: 'SWARMLOGS_CONFIG' })
    for (const setting of settings) {
      const variable = `SWARMLOGS_ELASTICSEARCH_${setting.toUpperCase().replaceAll('-', '_')}`
      expect(problem.message).toContain(`--elasticsearch-${setting} (${variable})`)
    }
  })

  it('with https where there is none names the CA file', async () => {
    const problem = await problemOf(refused(401, ''), undefined, 'https')
    expect(problem.message).toContain('--elasticsearch-ca (SWARMLOGS_ELASTICSEARCH_CA)')
  })
})
