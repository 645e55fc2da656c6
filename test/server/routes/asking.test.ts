import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Events, messagesOf } from '../events.ts'
import { serve, type TestServer } from '../serve.ts'
import { linesOf, recordOf, streamOf } from '../store/records.ts'

const FORM = 'application/x-www-form-urlencoded'

describe('questions by POST', () => {
  let server: TestServer
  beforeEach(async () => {
    server = await serve()
    for (const name of ['web', 'api', 'db']) await server.context.ingestor.records(linesOf(streamOf(name), 10))
  })
  afterEach(() => server.close())
  const post = async (path: string, type: string, body: string) => {
    const init = { method: 'POST', headers: { 'content-type': type }, body }
    const response = await fetch(`${server.url}${path}`, init)
    return { status: response.status, answer: (await response.json()) as Record<string, unknown> }
  }

  it.each([
    ['count', 'service=shop_web&service=shop_api', { records: 20 }],
    ['count', `q=${encodeURIComponent('service:shop_web "line 3"')}&current=0`, { records: 1 }],
    ['count', `q=${'line+OR+'.repeat(199)}5&grep=line+3`, { records: 3 }],
    ['search', 'service=shop_db&limit=2&order=desc', { records: [{ message: 'line 9' }, { message: 'line 8' }] }],
    ['values', 'field=service&limit=1', { more: true }],
  ])('are taken as forms, as an address has them: %s', async (path, body, answer) => {
    expect(await post(`/api/v1/${path}`, FORM, body)).toMatchObject({ status: 200, answer })
    expect(await post(`/api/v1/${path}`, `${FORM}; charset=utf-8`, body)).toMatchObject({ status: 200, answer })
  })

  it.each([
    [FORM, `n=2&q=${'nope+OR+'.repeat(150)}service:shop_web`],
    ['application/json', JSON.stringify({ n: 2, q: `${'nope OR '.repeat(150)}service:shop_web` })],
  ])('are taken by a tail as %s, which goes on with its id', async (type, body) => {
    const tail = (last: Record<string, string> = {}) =>
      new Events(`${server.url}/api/v1/tail`, { 'content-type': type, ...last }, body)
    const first = tail()
    const history = await first.until('live')
    expect(messagesOf(history)).toEqual(['line 8', 'line 9'])
    await server.context.ingestor.records([recordOf(streamOf('web'), { message: 'new', ordinal: 99 })])
    expect(messagesOf(await first.take(1))).toEqual(['new'])
    first.close()
    const second = tail({ 'last-event-id': history.at(-1)?.id ?? '' })
    expect(messagesOf(await second.untilMessage('new')).at(-1)).toBe('new')
    second.close()
  })

  it('are described with both types', async () => {
    const { paths } = (await (await server.get('/docs/json')).json()) as {
      paths: Record<string, { post?: { requestBody: { content: object } } }>
    }
    for (const path of ['search', 'count', 'stats', 'context', 'tail'])
      expect(Object.keys(paths[`/api/v1/${path}`]?.post?.requestBody.content ?? {})).toEqual(['application/json', FORM])
  })

  it.each([
    ['count', 'n=5'],
    ['count', 'service=a&servce=b'],
    ['search', 'since=often'],
    ['tail', 'q=a&q=b'],
    ['tail', 'q=a+OR'],
  ])('are checked as those by GET: %s of %s', async (path, body) => {
    expect((await post(`/api/v1/${path}`, FORM, body)).status).toBe(400)
  })

  it.each([
    ['/api/v1/count', 'text/plain', 'application/json or application/x-www-form-urlencoded'],
    ['/api/v1/search', 'application/xml', 'application/json or application/x-www-form-urlencoded'],
    ['/api/v1/ingest', 'text/plain', 'application/x-ndjson or application/jsonl or application/x-jsonlines'],
    ['/api/v1/ingest', FORM, 'application/x-ndjson'],
    ['/api/v1/annotations', FORM, 'application/json'],
  ])('are refused at %s as %s, with the types that are right', async (path, type, right) => {
    const { status, answer } = await post(path, type, 'x=y')
    expect([status, (answer.error as { message: string }).message]).toEqual([
      415,
      expect.stringMatching(new RegExp(`^cannot read a body of Content-Type '${type}': send it as ${right}`)),
    ])
  })

  it('are refused by the Loki API as anything but a form', async () => {
    const { status, answer } = await post('/loki/api/v1/query', 'text/csv', 'x')
    expect([status, answer.message]).toEqual([415, `cannot read a body of Content-Type 'text/csv': send it as ${FORM}`])
  })
})
