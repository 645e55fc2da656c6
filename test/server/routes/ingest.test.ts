import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ApiIngested, ApiPage } from '../../../shared/api/answers.ts'
import { formatTime } from '../../../shared/time.ts'
import { serve, type TestServer } from '../serve.ts'
import type { StoreUnderTest } from '../store/contract.ts'
import { MemoryStore } from '../store/memory.ts'
import { ALL, NOON, SECOND } from '../store/records.ts'
import { STORES } from '../stores.ts'

const NOW = NOON + 3600n * SECOND
const lines = (...objects: readonly object[]): string => objects.map((one) => `${JSON.stringify(one)}\n`).join('')

describe.each(STORES)('POST /api/v1/ingest into the %s store', (_, open) => {
  let under: StoreUnderTest
  let server: TestServer
  beforeEach(async () => {
    under = await open()
    server = await serve({ store: under.store, now: () => NOW })
  })
  afterEach(async () => {
    await server.close()
    await under.destroy()
  })
  const post = (body: string | Buffer, headers: Record<string, string> = {}, query = '') =>
    fetch(`${server.url}/api/v1/ingest${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', ...headers },
      body: body as string,
    })
  const taken = async (...asked: Parameters<typeof post>): Promise<ApiIngested> => {
    const response = await post(...asked)
    const answer = (await response.json()) as ApiIngested
    expect([response.status, answer]).toEqual([200, answer])
    return answer
  }
  const stored = async (query = ''): Promise<ApiPage['records']> => {
    const page = (await (await server.get(`/api/v1/search?limit=10000&${query}`)).json()) as ApiPage
    return page.records
  }

  it('stores lines with their time, level, labels and fields', async () => {
    const body = lines(
      {
        '@timestamp': '2026-11-20T10:00:00.000000001Z',
        message: 'a',
        'service.name': 'x',
        level: 'WARNING',
        n: 1.5,
        user: { id: 7 },
      },
      { ts: 1795168800.5, msg: 'b', host: 'h1', service: { name: 'y' }, container: 'c1', image: 'i', slot: 2 },
      { time: '1795168801000000007', log: 'c', stream: 'stderr', tag: 'T' },
      { time: '12ms', event: 'no text' },
    )
    expect(await taken(body)).toEqual({ accepted: 4, rejected: 0, errors: [] })
    const records = await stored()
    expect(records).toMatchObject([
      {
        '@timestamp': '2026-11-20T10:00:00.000000001Z',
        message: 'a',
        'service.name': 'x',
        'log.level': 'warn',
        tag: 'ndjson',
      },
      {
        '@timestamp': '2026-11-20T10:00:00.500000000Z',
        message: 'b',
        'service.name': 'y',
        'host.name': 'h1',
        'container.name': 'c1',
      },
      {
        '@timestamp': '2026-11-20T10:00:01.000000007Z',
        message: 'c',
        'log.iostream': 'stderr',
        tag: 'T',
        'service.name': 'T',
      },
      { '@timestamp': formatTime(NOW), message: '{"time":"12ms","event":"no text"}', 'host.name': '127.0.0.1' },
    ])
    expect(records.map(({ fields }) => fields)).toEqual([
      { level: 'WARNING', n: 1.5, 'user.id': 7 },
      undefined,
      undefined,
      { time: '12ms', event: 'no text' },
    ])
    expect(records[1]).toMatchObject({ 'container.image.name': 'i', 'docker.swarm.task.slot': 2 })
  })

  it('takes labels from the address for lines that have none', async () => {
    const query = '?service=cron&node=n1&container=c&source=stderr&stack=ops'
    await taken(lines({ message: 'a' }, { message: 'b', service: 'other', source: 'stdout' }), {}, query)
    expect(await stored('grep=a')).toMatchObject([
      { 'service.name': 'cron', 'host.name': 'n1', 'container.name': 'c', 'log.iostream': 'stderr' },
    ])
    expect(await stored('service=other')).toMatchObject([{ 'host.name': 'n1', 'log.iostream': 'stdout' }])
  })

  it('names the lines that it cannot take, and stores the others', async () => {
    const deep = `${'['.repeat(100)}${']'.repeat(100)}`
    const body = `{"message":"a"}\r\n\nnot json\n[1]\n"x"\nnull\n{"@timestamp":"soon","message":"b"}\n{"message":"c","x":${deep}}\n{"message":"${'x'.repeat(2 << 20)}"}\n{"message":"d"}`
    const answer = await taken(body)
    expect(answer).toMatchObject({ accepted: 2, rejected: 7 })
    expect(answer.errors.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7, 8, 9])
    for (const { message } of answer.errors) expect(message).toMatch(/^cannot take this line: /)
    expect((await stored()).map(({ message }) => message)).toEqual(['a', 'd'])
  })

  it('refuses a body of which it can take nothing', async () => {
    const response = await post('a\nb\n')
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: { code: 'bad_request', message: expect.stringMatching(/^cannot take any of 2 lines; line 1: cannot/) } },
    ])
    expect(await taken('')).toEqual({ accepted: 0, rejected: 0, errors: [] })
  })

  it('stores what comes again with its key once, and all that comes without', async () => {
    const body = lines(
      ...Array.from({ length: 12_000 }, (_, n) => ({ '@timestamp': formatTime(NOON), message: `m${n}` })),
    )
    for (const key of ['k1', 'k1']) await taken(body, { 'idempotency-key': key })
    expect(await under.store.count({ filter: ALL })).toBe(12_000)
    // The first try may have ended anywhere between batches.
    await taken(`${body}${lines({ message: 'more' })}`, { 'idempotency-key': 'k1' })
    expect(await stored('grep=more')).toHaveLength(1)
    await taken(body, { 'idempotency-key': 'k2' })
    await taken(lines({ message: 'twice' }))
    await taken(lines({ message: 'twice' }))
    expect(await stored('grep=twice')).toHaveLength(2)
    await taken(lines({ message: 'twice' }), { 'idempotency-key': 'k3' }, '?service=a')
    await taken(lines({ message: 'twice' }), { 'idempotency-key': 'k3' }, '?service=b')
    expect(await stored('grep=twice')).toHaveLength(4)
  })

  it.each([
    ['gzip', (parts: Buffer[]) => Buffer.concat(parts.map((part) => gzipSync(part)))],
    ['zstd', (parts: Buffer[]) => Buffer.concat(parts.map((part) => zstdCompressSync(part)))],
  ])('inflates %s, also in several parts', async (encoding, compress) => {
    const body = compress([
      Buffer.from(lines({ message: 'a' })),
      Buffer.from(lines({ message: 'b' }, { message: 'c' })),
    ])
    expect(await taken(body, { 'content-encoding': encoding })).toMatchObject({ accepted: 3 })
    expect((await post(body.subarray(0, -3), { 'content-encoding': encoding })).status).toBe(400)
    expect((await post(compress([Buffer.alloc(40 << 20)]), { 'content-encoding': encoding })).status).toBe(413)
  })

  it.each([
    ['x', { 'content-type': 'text/plain' }, '', 415],
    ['x', { 'content-encoding': 'br' }, '', 415],
    ['x'.repeat(33 << 20), {}, '', 413],
    ['{}', { 'idempotency-key': 'x'.repeat(300) }, '', 400],
    ['{}', {}, '?colour=red', 400],
  ])('refuses what is no body of lines: %#', async (body, headers, query, status) => {
    const response = await post(body, headers as Record<string, string>, query)
    expect([response.status, await response.json()]).toEqual([
      status,
      { error: expect.objectContaining({ message: expect.stringMatching(/^cannot/) }) },
    ])
  })
})

describe('POST /api/v1/ingest into a store that cannot write', () => {
  it('answers 503, and takes the same body afterwards', async () => {
    const store = new MemoryStore()
    const server = await serve({ store, now: () => NOW })
    const post = () =>
      fetch(`${server.url}/api/v1/ingest`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': 'k' },
        body: lines({ message: 'a' }),
      })
    store.reason = 'the disk is full'
    const response = await post()
    expect([response.status, await response.json()]).toMatchObject([503, { error: { code: 'store_unavailable' } }])
    store.reason = ''
    expect(await (await post()).json()).toMatchObject({ accepted: 1 })
    await server.close()
  })
})
