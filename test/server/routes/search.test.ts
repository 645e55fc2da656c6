import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ApiPage } from '../../../shared/api/answers.ts'
import type { ApiProblem } from '../../../shared/api/basics.ts'
import type { ApiRecord } from '../../../shared/api/record.ts'
import { framesOf } from '../frames.ts'
import { inventoryOf } from '../inventory.ts'
import { serve, type TestServer } from '../serve.ts'
import type { StoreUnderTest } from '../store/contract.ts'
import { MemoryStore } from '../store/memory.ts'
import { DAY, linesOf, NOON, recordOf, SECOND, streamOf } from '../store/records.ts'
import { STORES } from '../stores.ts'

const WEB = streamOf('web')
const API = streamOf('api', { nodeId: 'node0', nodeName: 'worker-0', slot: 2 })
const NDJSON = { accept: 'application/x-ndjson' }
const MULTIPLEXED = { accept: 'application/vnd.docker.multiplexed-stream' }
const TEXT = { accept: 'text/plain' }

describe.each(STORES)('GET /api/v1/search over the %s store', (_, open) => {
  let under: StoreUnderTest
  let server: TestServer
  beforeEach(async () => {
    under = await open()
    server = await serve({ store: under.store })
    await server.context.ingestor.records([
      ...linesOf(WEB, 50),
      ...linesOf(API, 50, { source: 'stderr' }),
      ...linesOf(streamOf('db', { service: 'data_db', stack: 'data' }), 50, { time: NOON + SECOND }),
    ])
  })
  afterEach(async () => {
    await server.close()
    await under.destroy()
  })
  const page = async (query: string): Promise<ApiPage> => {
    const response = await server.get(`/api/v1/search?${query}`)
    expect(response.status).toBe(200)
    return (await response.json()) as ApiPage
  }
  const text = async (query: string): Promise<string> => (await server.get(`/api/v1/search?${query}`, TEXT)).text()

  it.each(['', 'order=desc', 'target=web', 'n=77', 'n=77&order=desc', 'n=7&per=task', 'grep=LINE%201&source=stderr'])(
    'gives pages that make the whole answer: %s',
    async (query) => {
      const whole = await page(query)
      expect(whole).toMatchObject({ cursor: null, end: true })
      const records: ApiRecord[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const next = await page(`${query}&limit=7${cursor && `&cursor=${cursor}`}`)
        expect(next.end).toBe(next.cursor === null)
        records.push(...next.records)
        cursor = next.cursor
      }
      expect(records).toEqual(whole.records)
    },
  )

  it('keeps its pages and their relative times as they were when the first was asked for', async () => {
    const query = 'since=1h&until=now&limit=100'
    await server.context.ingestor.records(linesOf(WEB, 120, { time: BigInt(Date.now() - 60_000) * 1_000_000n }))
    const first = await page(query)
    await server.context.ingestor.records([recordOf(WEB, { time: BigInt(Date.now()) * 1_000_000n, message: 'newer' })])
    const second = await page(`${query}&cursor=${first.cursor}`)
    expect(first.records.length + second.records.length).toBe(120)
    expect(second.records.map(({ message }) => message)).not.toContain('newer')
    expect(second.end).toBe(true)
  })

  it('streams NDJSON with an end, which can be continued where the limit ended it', async () => {
    const read = async (query: string) => {
      const lines = (await (await server.get(`/api/v1/search?${query}`, NDJSON)).text()).trimEnd().split('\n')
      return lines.map((line) => JSON.parse(line))
    }
    const whole = await read('target=web')
    expect(whole).toHaveLength(51)
    expect(whole.at(-1)).toEqual({ end: true, cursor: null, records: 50, completeness: expect.anything() })
    const first = await read('target=web&limit=20')
    expect(first.at(-1)).toMatchObject({ end: true, records: 20 })
    const rest = await read(`target=web&cursor=${first.at(-1).cursor}`)
    const cut = await read(`target=web&cursor=${whole[29].cursor}`)
    const messages = (records: { message: string }[]) => records.slice(0, -1).map(({ message }) => message)
    expect([...messages(first), ...messages(rest)]).toEqual(messages(whole))
    expect(messages(cut)).toEqual(messages(whole).slice(30))
  })

  it('keeps stdout and stderr apart in the multiplexed stream', async () => {
    const response = await server.get('/api/v1/search?target=web&target=api&limit=4&raw=true', MULTIPLEXED)
    expect(response.headers.get('content-type')).toBe(MULTIPLEXED.accept)
    expect(framesOf(Buffer.from(await response.arrayBuffer()))).toEqual([
      { source: 'stderr', text: 'line 0\n' },
      { source: 'stdout', text: 'line 0\n' },
      { source: 'stderr', text: 'line 1\n' },
      { source: 'stdout', text: 'line 1\n' },
    ])
  })

  it('prints text as its flags say, padded by what the manager told', async () => {
    expect(await text('target=web&limit=1')).toBe('shop_web.1.task-web@worker-1    | line 0\n')
    const service = { id: 'service-web', name: 'shop_web', stack: 'shop', mode: 'replicated' as const, replicas: 12 }
    await server.context.ingestor.inventory(inventoryOf({ services: [{ ...service, image: 'i', update: '' }] }))
    expect(await text('target=web&limit=1')).toBe('shop_web.1.task-web@worker-1     | line 0\n')
    expect(await text('target=web.1&limit=1')).toBe('shop_web.1.task-web@worker-1    | line 0\n')
    expect(await text('target=web.1&target=shop_web&limit=1')).toBe('shop_web.1.task-web@worker-1     | line 0\n')
    expect(await text('target=web&limit=1&timestamps=1&taskids=0&resolve=false&details')).toMatch(
      /^\d{4}-\d\d-\d\dT12:00:00\.000000000Z service-web\.1@node1 {5}\| {2}line 0\n$/,
    )
  })

  it('prints the newest N in total, or of each task', async () => {
    expect(await text('n=2&raw=1')).toBe('line 48\nline 49\n')
    expect(await text('n=1&per=task&raw=1')).toBe('line 49\nline 49\nline 49\n')
    expect(await text('n=0')).toBe('')
  })

  it.each<[string, number]>([
    ['service=shop_*', 100],
    ['service=shop_web&service=data_db', 100],
    ['stack=data', 50],
    ['node=worker-0', 50],
    ['node=node0', 50],
    ['task=shop_web.1', 50],
    ['container=container-w', 50],
    ['source=stderr', 50],
    ['source=stderr&source=stdout', 150],
    ['grep=LINE%2049', 3],
    ['q=line+49', 3],
    ['q=service:web+OR+-stack:shop', 100],
    ['q=*&stack=data', 50],
    [`q=${encodeURIComponent('message:/[0-4]$/ -source:stderr')}`, 50],
    ['target=web&target=api.2', 100],
    ['service=nope', 0],
    [`since=${NOON / SECOND}.000000001&until=${NOON / SECOND + 1n}`, 98],
    [`since=${NOON / SECOND}&until=${NOON / SECOND}`, 0],
    ['since=1970-01-01&until=now', 150],
    ['since=yesterday&until=today&timezone=Pacific/Auckland', -1],
  ])('takes %s', async (query, expected) => {
    const { records } = await page(query)
    if (expected >= 0) expect(records).toHaveLength(expected)
  })

  it('answers with events', async () => {
    const stream = streamOf('trace', { service: 'trace' })
    await server.context.ingestor.records(
      ['failed', '  at a', '  at b', 'fine'].map((message, ordinal) => recordOf(stream, { message, ordinal })),
    )
    const query = 'service=trace&events=true&limit=1&q=at'
    const first = await page(query)
    expect(first.records.map(({ message }) => message)).toEqual(['failed\n  at a\n  at b'])
    expect(first.end).toBe(true)
    const both = await page('service=trace&events=1&limit=1')
    const rest = await page(`service=trace&events=1&limit=1&cursor=${both.cursor}`)
    expect(rest.records.map(({ message }) => message)).toEqual(['fine'])
    expect(first.records[0]).toMatchObject({ event_lines: 3 })
    const newest = await page('service=trace&events=1&n=1')
    expect(newest.records.map(({ message }) => message)).toEqual(['fine'])
    const down = await page('service=trace&events=1&order=desc&limit=1')
    expect(down.records.map(({ message }) => message)).toEqual(['fine'])
    const last = await page(`service=trace&events=1&order=desc&limit=1&cursor=${down.cursor}`)
    expect(last.records).toMatchObject([{ message: 'failed\n  at a\n  at b' }])
    const text = await server.get('/api/v1/search?service=trace&events=1&q=at&raw=1', { accept: 'text/plain' })
    expect(await text.text()).toBe('failed\n  at a\n  at b\n')
    const posted = await fetch(`${server.url}/api/v1/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ service: ['trace'], events: true, q: 'at' }),
    })
    expect(await posted.json()).toMatchObject({ records: [{ message: 'failed\n  at a\n  at b' }] })
  })

  it('says where a query goes wrong', async () => {
    const response = await server.get(`/api/v1/search?q=${encodeURIComponent('(level:error ))')}`)
    expect(response.status).toBe(400)
    const message = 'cannot read the query: unexpected ")" at 15: expected white space or the end'
    expect(await response.json()).toEqual({ error: { code: 'bad_parameter', parameter: 'q', at: 15, message } })
  })

  it('leaves out tasks that Docker no longer has, when asked to', async () => {
    expect((await page('current=true')).records).toHaveLength(150)
    await server.context.ingestor.inventory(inventoryOf({ tasks: ['task-web', 'task-api', 'task-db'] }))
    await server.context.ingestor.inventory(inventoryOf({ tasks: ['task-web'] }))
    expect((await page('current=true')).records).toHaveLength(50)
    expect((await page('')).records).toHaveLength(150)
  })

  it('says in its headers what a target was widened to, where the store begins and how many streams match', async () => {
    const { headers } = await server.get('/api/v1/search?target=db&target=web&since=2020-01-01', TEXT)
    expect(headers.get('swarmlogs-targets')).toBe('data_db,shop_web')
    expect(headers.get('swarmlogs-begins')).toMatch(/T12:00:00\.000000000Z$/)
    expect(headers.get('swarmlogs-matched')).toBe('2')
    expect(headers.get('swarmlogs-records')).toBe(null)
    expect((await server.get('/api/v1/search?target=web', TEXT)).headers.get('swarmlogs-records')).toBe('50')
    const plain = (await server.get(`/api/v1/search?target=shop_web&since=${NOON / SECOND}`, TEXT)).headers
    expect([plain.get('swarmlogs-targets'), plain.get('swarmlogs-begins')]).toEqual([null, null])
  })

  it('answers 404 with the nearest names for a target that stands for nothing', async () => {
    const response = await server.get('/api/v1/search?target=web&target=shop_wbe')
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({
      error: {
        code: 'no_such_target',
        message: "cannot find a service or task 'shop_wbe': did you mean shop_web?",
        parameter: 'target',
        nearest: ['shop_web'],
        known: ['data_db', 'shop_api', 'shop_web'],
      },
    })
  })

  it('stops searching when the client leaves', async () => {
    await server.context.ingestor.records(linesOf(WEB, 20_000, { message: 'x'.repeat(1000), time: NOON + DAY / 4n }))
    const request = get(`${server.url}/api/v1/search`, { headers: TEXT, agent: false })
    const [response] = await once(request, 'response')
    await once(response, 'data')
    expect(server.context.slots.taken).toBe(1)
    request.destroy()
    await expect.poll(() => server.context.slots.taken).toBe(0)
  })
})

describe('GET /api/v1/search', () => {
  let server: TestServer
  beforeEach(async () => {
    server = await serve({ slots: 1 })
  })
  afterEach(async () => {
    await server.close()
  })

  it.each<[string, string, RegExp]>([
    ['limit=0', 'limit', /from 1 to/],
    ['limit=-1', 'limit', /from 1 to/],
    ['limit=1.5', 'limit', /whole number/],
    ['limit=NaN', 'limit', /whole number/],
    ['limit=1e99', 'limit', /whole number/],
    ['limit=', 'limit', /'': give a whole number/],
    ['limit=1&limit=2', 'limit', /'1,2'/],
    ['limit=10001', 'limit', /at most 10000, or accept application\/x-ndjson/],
    ['n=many', 'n', /from 0 to/],
    ['per=node', 'per', /give task/],
    ['events=true&n=5&per=task', 'per', /leave out per/],
    ['events=true&n=10001', 'n', /give at most 10000/],
    ['order=up', 'order', /give asc or desc/],
    ['source=both', 'source', /give stdout or stderr/],
    ['since=soon', 'since', /cannot read the time 'soon': right are/],
    ['until=13:00', 'until', /cannot read the time/],
    ['since=', 'since', /give a value or leave it out/],
    ['since=1h&until=2h', 'until', /later than since/],
    ['timezone=Mars/Base', 'timezone', /IANA name/],
    ['timestamps=maybe', 'timestamps', /give true or false/],
    ['current=2', 'current', /give true or false/],
    ['grep=a&grep=b', 'grep', /give it once/],
    [`grep=${'x'.repeat(513)}`, 'grep', /at most 512 characters/],
    ['service=', 'service', /give a value/],
    ['q=', 'q', /give a value/],
    [`q=${'x'.repeat(8193)}`, 'q', /at most 8192 characters/],
    [`target=${'x'.repeat(301)}`, 'target', /at most 300 characters/],
    [`target=${'x&target='.repeat(501)}x`, 'target', /at most 500 times/],
    ['cursor=AAAA', 'cursor', /cannot use this cursor: it is damaged/],
    ['sinse=1h', 'sinse', /did you mean since\?/],
    ['query=x', 'query', /right are target, service/],
    ['__proto__=x', '__proto__', /cannot use the parameter '__proto__'/],
    ['constructor=x', 'constructor', /cannot use the parameter/],
    ['follow=1', 'follow', /cannot use the parameter/],
  ])('answers 400 to %s', async (query, parameter, message) => {
    const response = await server.get(`/api/v1/search?${query}`)
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      error: { code: 'bad_parameter', parameter, message: expect.stringMatching(message) },
    })
  })

  it('answers 400 to a cursor of other parameters or of another store', async () => {
    await server.context.ingestor.records(linesOf(WEB, 5))
    const { cursor } = (await (await server.get('/api/v1/search?limit=2')).json()) as ApiPage
    expect((await server.get(`/api/v1/search?limit=4&cursor=${cursor}`)).status).toBe(200)
    const other = await server.get(`/api/v1/search?q=x&cursor=${cursor}`)
    expect(await other.json()).toMatchObject({ error: { message: expect.stringContaining('other parameters') } })
    const elsewhere = await serve()
    const foreign = await elsewhere.get(`/api/v1/search?limit=2&cursor=${cursor}`)
    await elsewhere.close()
    expect(await foreign.json()).toMatchObject({ error: { message: expect.stringContaining('another store') } })
  })

  it('ends a page early rather than hold too much', async () => {
    await server.context.ingestor.records(linesOf(WEB, 40, { message: 'x'.repeat(2 ** 20) }))
    const first = (await (await server.get('/api/v1/search')).json()) as ApiPage
    expect(first.records).toHaveLength(16)
    const second = (await (await server.get(`/api/v1/search?cursor=${first.cursor}`)).json()) as ApiPage
    expect(second.records).toHaveLength(16)
  })

  it('answers 503 when the store cannot be read', async () => {
    await server.context.store.close()
    for (const headers of [{}, NDJSON, TEXT, MULTIPLEXED]) {
      const response = await server.get('/api/v1/search', headers)
      expect(response.status).toBe(503)
      expect(await response.json()).toMatchObject({ error: { code: 'store_unavailable' } })
    }
    expect(server.context.slots.taken).toBe(0)
  })

  it('says in the stream when the store fails in the middle of an answer', async () => {
    await server.context.ingestor.records(linesOf(WEB, 3000))
    const { store } = server.context
    const failing = async function* (...[query, signal]: Parameters<typeof store.search>) {
      let count = 0
      for await (const batch of new MemoryStoreReader(store).search(query, signal)) {
        if (count++ === 1) throw new Error('the disk is gone')
        yield batch
      }
    }
    Object.assign(store, { search: failing })
    const lines = (await (await server.get('/api/v1/search', NDJSON)).text()).trimEnd().split('\n')
    expect(lines).toHaveLength(1001)
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ error: { code: 'internal' } })
    const frames = framesOf(Buffer.from(await (await server.get('/api/v1/search', MULTIPLEXED)).arrayBuffer()))
    expect(frames.at(-1)).toMatchObject({ source: 'error', text: expect.stringContaining('error in the server') })
    const cut = await server.get('/api/v1/search', TEXT)
    await expect(cut.text()).rejects.toThrow()
  })

  it('reads from the store only as fast as the client takes', async () => {
    let produced = 0
    Object.assign(server.context.store, {
      async *print() {
        for (; ; produced++) yield [{ source: 'stdout', text: 'x'.repeat(100_000) }]
      },
    })
    const request = get(`${server.url}/api/v1/search`, { headers: MULTIPLEXED, agent: false })
    const [response] = await once(request, 'response')
    response.pause()
    let before = -1
    for (let quiet = 0; quiet < 5; quiet = produced === before ? quiet + 1 : 0) {
      before = produced
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(produced).toBeGreaterThan(0)
    // What the sockets' own buffers hold.
    expect(produced * 100_000).toBeLessThan(20_000_000)
    request.destroy()
    await expect.poll(() => server.context.slots.taken).toBe(0)
  })

  describe('to a client that takes nothing', () => {
    let stopped: PromiseWithResolvers<void>
    let response: IncomingMessage
    beforeEach(async () => {
      await server.close()
      server = await serve({ timing: { stalledMs: 150 } })
      stopped = Promise.withResolvers<void>()
      Object.assign(server.context.store, {
        async *print(_query: unknown, _format: unknown, signal: AbortSignal) {
          signal.addEventListener('abort', () => stopped.resolve())
          while (!signal.aborted) yield [{ source: 'stdout', text: 'x'.repeat(100_000) }]
        },
      })
      const request = get(`${server.url}/api/v1/search`, { headers: MULTIPLEXED, agent: false })
      ;[response] = await once(request, 'response')
    })

    it('stops the search, and says so to one that takes the rest after all', async () => {
      response.pause()
      await stopped.promise
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      const end = framesOf(Buffer.concat(chunks)).at(-1)
      expect(end).toMatchObject({ source: 'error', text: expect.stringMatching(/took nothing .* ask again/) })
      expect(server.context.slots.taken).toBe(0)
    })

    it('cuts the answer off at last', async () => {
      response.on('error', () => {})
      response.pause()
      await stopped.promise
      await expect.poll(() => server.context.slots.taken).toBe(0)
    })
  })

  it('stops a search that has found nothing yet when the client leaves', async () => {
    const begun = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<void>()
    Object.assign(server.context.store, {
      async *print(_query: unknown, _format: unknown, signal: AbortSignal) {
        begun.resolve()
        await once(signal, 'abort')
        ended.resolve()
        yield []
      },
    })
    const request = get(`${server.url}/api/v1/search`, { headers: MULTIPLEXED, agent: false })
    request.on('error', () => {})
    await begun.promise
    request.destroy()
    await ended.promise
    await expect.poll(() => server.context.slots.taken).toBe(0)
    expect((await server.get('/livez')).status).toBe(200)
  })

  it('refuses more streamed answers than it has places for', async () => {
    const leave = server.context.slots.take()
    const refused = await server.get('/api/v1/search', TEXT)
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ error: { code: 'too_busy' } })
    leave()
    expect((await server.get('/api/v1/search', TEXT)).status).toBe(200)
  })

  it.each<[string | undefined, string]>([
    [undefined, 'application/json'],
    ['*/*', 'application/json'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'application/json'],
    ['text/*', 'text/plain'],
    ['application/json;q=0.5, application/x-ndjson', 'application/x-ndjson'],
    ['application/x-ndjson;q=0, application/json', 'application/json'],
  ])('answers to Accept: %s as %s', async (accept, type) => {
    const response = await server.get('/api/v1/search', accept === undefined ? {} : { accept })
    expect(response.headers.get('content-type')).toContain(type)
  })

  it('answers 406 when it has none of the accepted forms', async () => {
    const response = await server.get('/api/v1/search', { accept: 'image/png' })
    expect([response.status, ((await response.json()) as ApiProblem).error.code]).toEqual([406, 'not_acceptable'])
  })
})

/** The search of MemoryStore's prototype, also after an instance's own was replaced. */
class MemoryStoreReader {
  readonly #store: unknown

  constructor(store: unknown) {
    this.#store = store
  }

  search(...args: Parameters<MemoryStore['search']>): ReturnType<MemoryStore['search']> {
    return MemoryStore.prototype.search.apply(this.#store as MemoryStore, args)
  }
}
