import { get } from 'node:http'
import { connect } from 'node:net'
import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { afterEach, describe, expect, it } from 'vitest'
import { serve, type TestServer } from './serve.ts'
import { linesOf, streamOf } from './store/records.ts'

describe('the HTTP server', () => {
  let server: TestServer
  afterEach(async () => {
    await server.close()
  })

  describe('with tokens', () => {
    const paths = [
      '/api/v1/search',
      '/api/v1/count',
      '/api/v1/histogram',
      '/api/v1/fields',
      '/api/v1/values?field=service',
      '/api/v1/stats?field=x',
      '/api/v1/patterns',
      '/api/v1/tail',
      '/api/v1/services',
      '/api/v1/nodes',
      '/api/v1/streams',
      '/api/v1/version',
    ]

    it.each([...paths, '/metrics'])('serves %s only with one of them', async (path) => {
      server = await serve({ tokens: () => ['first', 'second'] })
      for (const authorization of [
        undefined,
        '',
        'first',
        'Bearer ',
        'Bearer wrong',
        'Bearer firs',
        'Basic first',
        'Bearer first second',
      ]) {
        const response = await server.get(path, authorization === undefined ? {} : { authorization })
        expect([authorization, response.status]).toEqual([authorization, 401])
        expect(response.headers.get('www-authenticate')).toBe('Bearer realm="swarmlogs"')
        expect(await response.json()).toMatchObject({
          error: { code: 'unauthorized', message: expect.stringMatching(/^cannot/) },
        })
      }
      for (const authorization of ['Bearer first', 'bearer second']) {
        const controller = new AbortController()
        const response = await fetch(`${server.url}${path}`, { headers: { authorization }, signal: controller.signal })
        expect([response.status, response.headers.get('www-authenticate')]).toEqual([200, null])
        controller.abort()
      }
    })

    it.each(['/livez', '/readyz'])('serves %s to all', async (path) => {
      server = await serve({ tokens: () => ['first'] })
      expect((await server.get(path)).status).toBe(200)
      expect((await fetch(`${server.url}${path}`, { method: 'HEAD' })).status).toBe(200)
    })

    it.each(['/docs', '/docs/json', '/docs/static/swagger-ui-bundle.js'])('serves %s to browsers', async (path) => {
      server = await serve({ tokens: () => ['first'] })
      expect((await server.get(path)).status).toBe(200)
    })

    it('takes new ones and refuses old ones at once', async () => {
      let tokens = ['old']
      server = await serve({ tokens: () => tokens })
      tokens = ['new']
      expect((await server.get('/api/v1/version', { authorization: 'Bearer old' })).status).toBe(401)
      expect((await server.get('/api/v1/version', { authorization: 'Bearer new' })).status).toBe(200)
    })
  })

  it('serves only names of this machine when it is told to', async () => {
    server = await serve({ localOnly: true })
    const status = async (host: string, path = '/api/v1/version') =>
      new Promise((resolve) =>
        get(`${server.url}${path}`, { headers: { host } }, (response) => resolve(response.statusCode)),
      )
    for (const host of ['localhost:4280', '127.0.0.1:4280', '[::1]:4280', 'app.localhost'])
      expect(await status(host)).toBe(200)
    for (const host of ['evil.example', 'localhost.evil.example', 'evil.example:4280'])
      for (const path of ['/api/v1/version', '/docs', '/docs/json']) expect(await status(host, path)).toBe(403)
  })

  it('grants nothing to other origins', async () => {
    server = await serve()
    const response = await server.get('/api/v1/version', { origin: 'http://evil.example' })
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    const preflight = await fetch(`${server.url}/api/v1/version`, {
      method: 'OPTIONS',
      headers: { origin: 'http://evil.example' },
    })
    expect(preflight.status).toBe(405)
    expect([...preflight.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  it.each([
    ['GET', '/nope'],
    ['GET', '/api/v2/search'],
    ['POST', '/api/v1/nope'],
    ['GET', '/api/v1/search/'],
    ['GET', '/%2e%2e/etc/passwd'],
  ])('answers 404 to %s %s', async (method, path) => {
    server = await serve()
    const response = await fetch(`${server.url}${path}`, { method })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({
      error: { code: 'no_such_address', message: expect.stringContaining('/docs') },
    })
  })

  it.each([
    ['DELETE', '/api/v1/search?q=x', 'GET, HEAD, POST'],
    ['PUT', '/api/v1/tail', 'GET, HEAD, POST'],
    ['GET', '/api/v1/ingest', 'POST'],
    ['POST', '/livez', 'GET, HEAD'],
    ['PATCH', '/api/v1/archive/2026-11-19', 'DELETE'],
    ['PATCH', '/api/v1/archive/2026-11-19/hold', 'DELETE, GET, HEAD, PUT'],
  ])('answers 405 to %s %s, with the methods that are right', async (method, path, allow) => {
    server = await serve()
    const response = await fetch(`${server.url}${path}`, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
    expect(await response.json()).toMatchObject({
      error: { code: 'wrong_method', message: expect.stringContaining(`use ${allow}`) },
    })
  })

  it('answers HEAD as GET, without the body', async () => {
    server = await serve()
    await server.context.ingestor.records(linesOf(streamOf('web'), 10))
    for (const [path, accept] of [
      ['/livez', '*/*'],
      ['/api/v1/version', '*/*'],
      ['/api/v1/count', '*/*'],
      ['/api/v1/search', 'application/json'],
      ['/api/v1/search', 'application/x-ndjson'],
      ['/api/v1/search', 'text/plain'],
      ['/api/v1/tail', 'text/event-stream'],
    ] as const) {
      const response = await fetch(`${server.url}${path}`, { method: 'HEAD', headers: { accept } })
      expect([path, response.status, await response.text()]).toEqual([path, 200, ''])
      if (accept !== '*/*') expect(response.headers.get('content-type')).toContain(accept)
    }
    const wrong = await fetch(`${server.url}/api/v1/search?since=often`, { method: 'HEAD' })
    expect([wrong.status, await wrong.text()]).toEqual([400, ''])
    expect((await fetch(`${server.url}/api/v1/nope`, { method: 'HEAD' })).status).toBe(404)
  })

  it.each(['/livez', '/readyz', '/metrics', '/api/v1/services', '/api/v1/nodes', '/api/v1/version'])(
    'answers 400 to a parameter of %s, which takes none',
    async (path) => {
      server = await serve()
      const response = await server.get(`${path}?x=1`)
      expect([response.status, await response.json()]).toEqual([
        400,
        { error: { code: 'bad_parameter', parameter: 'x', message: expect.stringContaining('takes none') } },
      ])
    },
  )

  it('outlives hostile requests', async () => {
    server = await serve()
    const { port } = new URL(server.url)
    for (const text of [
      '\x16\x03\x01',
      'GET / HTTP/1.1\r\n\r\n',
      `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      'GET /api/v1/search?%zz=%00 HTTP/1.1\r\nHost: x\r\n\r\n',
    ]) {
      const socket = connect(Number(port), '127.0.0.1')
      const answer = await new Promise<string>((resolve) => {
        socket.on('data', (data) => resolve(String(data)))
        socket.on('close', () => resolve(''))
        socket.write(text)
      })
      expect(answer).toMatch(/^(HTTP\/1\.1 (4\d\d)|$)/)
      socket.destroy()
    }
    expect((await server.get('/livez')).status).toBe(200)
  })

  it('answers in its own form to what it cannot read', async () => {
    server = await serve()
    const response = await server.get(`/api/v1/count?grep=${'x'.repeat(20_000)}`)
    expect([response.status, await response.json()]).toEqual([
      431,
      { error: { code: 'bad_request', message: expect.stringContaining('by POST') } },
    ])
  })

  it('is ready while the store can be written to, and says why when it cannot', async () => {
    server = await serve()
    expect(await (await server.get('/readyz')).json()).toEqual({ status: 'ok' })
    Object.assign(server.context.store, { reason: 'the disk is full' })
    const response = await server.get('/readyz')
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({
      status: 'unavailable',
      reason: 'the store cannot be written to: the disk is full',
    })
    expect((await server.get('/livez')).status).toBe(200)
  })

  it('counts what it does', async () => {
    server = await serve()
    await server.context.ingestor.records(linesOf(streamOf('web'), 3))
    await server.get('/api/v1/search')
    const text = await (await server.get('/metrics')).text()
    for (const line of [
      'swarmlogs_build_info{version="1.2.3"',
      'swarmlogs_store_records 3',
      'swarmlogs_store_writable 1',
      'swarmlogs_tails 0',
    ]) {
      expect(text).toContain(line)
    }
    expect(text).toContain('swarmlogs_query_duration_seconds_count{kind="search_json"} 1')
    expect(text).not.toContain('shop_web')
  })
})

interface Content {
  readonly schema: TSchema & { readonly examples?: readonly unknown[] }
  readonly example?: unknown
}
interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly security: readonly object[]
  readonly parameters?: readonly {
    name: string
    in: string
    required?: boolean
    description?: string
    schema: TSchema & { default?: unknown; examples?: unknown[] }
  }[]
  readonly requestBody?: { readonly content: Record<string, Content> }
  readonly responses: Record<string, { description: string; content?: Record<string, Content> }>
}

describe('/docs/json', () => {
  it('documents every address with examples that fit their schemas', async () => {
    const server = await serve()
    const document = (await (await server.get('/docs/json')).json()) as {
      openapi: string
      paths: Record<string, Record<string, Operation>>
    }
    await server.close()
    expect(document.openapi).toBe('3.1.0')
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )
    expect(operations.map(({ path, method }) => `${method} ${path}`).sort()).toEqual(
      [
        ...['get /api/v1/context', 'get /api/v1/count', 'get /api/v1/fields', 'get /api/v1/histogram'],
        ...[
          'get /api/v1/annotations',
          'post /api/v1/annotations',
          'delete /api/v1/annotations/{id}',
          'get /api/v1/archive',
          'get /api/v1/archive/{day}/{file}',
          'delete /api/v1/archive/{day}',
          'put /api/v1/archive/{day}/hold',
          'delete /api/v1/archive/{day}/hold',
          'post /api/v1/archive/{day}/verify',
          'get /api/v1/backup',
          'get /api/v1/knowledge',
          'get /api/v1/nodes',
          'get /api/v1/patterns',
          'get /api/v1/search',
          'get /api/v1/services',
        ],
        ...['get /api/v1/stats', 'get /api/v1/status', 'get /api/v1/status/refused', 'get /api/v1/streams'],
        ...['get /api/v1/tail', 'get /api/v1/values', 'get /api/v1/version'],
        ...['get /livez', 'get /metrics', 'get /readyz'],
        ...['post /api/v1/context', 'post /api/v1/count', 'post /api/v1/fields', 'post /api/v1/histogram'],
        'post /api/v1/ingest',
        ...[
          'post /api/v1/patterns',
          'post /api/v1/search',
          'post /api/v1/stats',
          'post /api/v1/tail',
          'post /api/v1/values',
        ],
      ].sort(),
    )
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length)
    const withStatus = (status: number) =>
      operations.filter(({ operation }) => operation.responses[status]).map(({ operation }) => operation.operationId)
    expect(withStatus(101)).toEqual(['tail'])
    expect(withStatus(429).sort()).toEqual(
      ['search', 'context', 'count', 'fields', 'histogram', 'patterns', 'stats', 'values']
        .flatMap((name) => [name, `${name}ByPost`])
        .sort(),
    )
    for (const { path, operation } of operations) {
      for (const { name, schema, description } of operation.parameters ?? []) {
        expect([path, name, typeof description]).toEqual([path, name, 'string'])
        for (const example of [...(schema.examples ?? []), ...(schema.default === undefined ? [] : [schema.default])]) {
          expect([path, name, Value.Check(schema, example)]).toEqual([path, name, true])
        }
      }
      for (const [type, { schema, example }] of Object.entries(operation.requestBody?.content ?? {})) {
        const examples = example === undefined ? (schema.examples ?? []) : [example]
        expect([path, type, examples.map((one) => Value.Check(schema, one))]).toEqual([path, type, [true]])
      }
      for (const [status, { content }] of Object.entries(operation.responses)) {
        for (const [type, { schema, example }] of Object.entries(content ?? {})) {
          expect([path, status, type, Value.Check(schema, example)]).toEqual([path, status, type, true])
        }
      }
    }
  })

  it('lets its page ask for the token, and load what it needs over http as well', async () => {
    const server = await serve({ tokens: () => ['first'] })
    const document = (await (await server.get('/docs/json')).json()) as {
      paths: Record<string, { get?: { security?: unknown } }>
      components: { securitySchemes: unknown }
    }
    const policy = (await server.get('/docs')).headers.get('content-security-policy')
    await server.close()
    expect(document.components.securitySchemes).toMatchObject({ bearer: { type: 'http', scheme: 'bearer' } })
    const withToken = Object.entries(document.paths).filter(([, { get }]) => get?.security !== undefined)
    expect(withToken.map(([path]) => path)).toEqual(expect.arrayContaining(['/api/v1/search', '/metrics']))
    expect(policy).toContain("script-src 'self';")
    expect(policy).not.toMatch(/upgrade-insecure-requests|https:|\.io/)
  })

  it('describes what is really answered', async () => {
    const server = await serve()
    await server.context.ingestor.records(linesOf(streamOf('web'), 3, { message: 'level=error x=1' }))
    const { paths } = (await (await server.get('/docs/json')).json()) as { paths: Record<string, { get?: Operation }> }
    const page = (await (await server.get('/api/v1/search')).json()) as { records: [{ cursor: string }] }
    const { cursor } = page.records[0]
    for (const [path, { get }] of Object.entries(paths)) {
      const schema = get?.responses[200]?.content?.['application/json']?.schema
      // What a store in memory does not have: routes/archive.test.ts asks one that does.
      if (schema === undefined || path === '/api/v1/archive') continue
      const required = (get?.parameters ?? []).filter(({ required }) => required).map(({ name }) => name)
      const query = new URLSearchParams(required.map((name) => [name, name === 'cursor' ? cursor : 'x']))
      const body = await (await server.get(`${path}?${query}`)).json()
      expect([path, [...Value.Errors(schema, body)]]).toEqual([path, []])
    }
    await server.close()
  })
})
