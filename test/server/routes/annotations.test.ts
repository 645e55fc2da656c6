import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Annotations } from '../../../server/annotations.ts'
import { formatTime } from '../../../shared/time.ts'
import { Events } from '../events.ts'
import { Cluster } from '../peers/cluster.ts'
import { serve, type TestServer } from '../serve.ts'
import { MemoryData, MemoryStore } from '../store/memory.ts'
import { API, linesOf, NOON, SECOND, WEB } from '../store/records.ts'
import { STORES } from '../stores.ts'

const at = (seconds: number) => formatTime(NOON + BigInt(Math.round(seconds * 1000)) * 1_000_000n)

describe.each(STORES)('notes on a %s store', (_, openStore) => {
  let under: Awaited<ReturnType<typeof openStore>>
  let server: TestServer
  const call = (method: string, path: string, body?: unknown) =>
    fetch(`${server.url}/api/v1/annotations${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
  const search = async (params: string, accept = 'application/json') =>
    (await server.get(`/api/v1/search?${params}`, { accept })).text()

  beforeAll(async () => {
    under = await openStore()
    await under.store.append([...linesOf(WEB, 3), ...linesOf(API, 3, { time: NOON + 10n * SECOND })])
    server = await serve({ store: under.store })
  })
  afterAll(async () => {
    await server.close()
    await under.destroy()
  })

  it('stand among the lines that they are about, and nowhere else', async () => {
    const { records } = JSON.parse(await search('target=api&limit=1'))
    await call('POST', '', { at: at(5), text: 'a moment', by: 'anna' })
    const line = await (await call('POST', '', { at: records[0].cursor, text: 'a line', by: 'ben' })).json()
    expect(line).toMatchObject({ 'service.name': 'shop_api', at: at(10), cursor: records[0].cursor })
    const all = (await search('', 'application/x-ndjson;with=annotations'))
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text))
    expect(all.map(({ message, annotation, end }) => message ?? annotation?.text ?? end)).toEqual([
      ...['line 0', 'line 1', 'line 2', 'a moment', 'line 0', 'a line', 'line 1', 'line 2', true],
    ])
    // Who does not ask for them takes them for records.
    expect(await search('', 'application/x-ndjson')).not.toContain('annotation')
    const texts = async (params: string) =>
      (JSON.parse(await search(params)).annotations ?? []).map(({ text }: { text: string }) => text)
    expect(await texts('')).toEqual(['a moment', 'a line'])
    expect(await texts('order=desc')).toEqual(['a line', 'a moment'])
    expect(await texts('target=web')).toEqual(['a moment'])
    expect(await texts(`since=${at(6)}`)).toEqual(['a line'])
    expect(await texts('n=2')).toEqual([])
    expect(await texts('n=3')).toEqual(['a line'])
  })

  it('are in the last frame of printed lines, as far as these reach', async () => {
    const accept = 'application/vnd.docker.multiplexed-stream;trailer=completeness'
    expect(await search('n=3', accept)).toMatch(/"annotations":\[\{[^\]]*"text":"a line"/)
    expect(await search('n=3', accept)).not.toContain('a moment')
    expect(await search('target=web&n=3', accept)).toContain('a moment')
  })

  it('are told to those who follow, and around a line', async () => {
    const response = await server.get('/api/v1/tail?target=web')
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    let text = ''
    const until = async (wanted: string) => {
      while (!text.includes(wanted)) text += Buffer.from((await reader.read()).value ?? []).toString()
    }
    await until('event: live')
    await call('POST', '', { at: 'now', text: 'just now', by: 'anna' })
    await until('event: annotation\ndata: {"id":')
    await until('just now')
    await reader.cancel()
    const { records } = JSON.parse(await search('target=api&limit=1'))
    const { annotations } = await (await server.get(`/api/v1/context?cursor=${records[0].cursor}`)).json()
    expect(annotations).toMatchObject([{ text: 'a line' }])
  })

  it('outlive a restart, and are gone when somebody deletes them', async () => {
    const { annotations } = await (await call('GET', `?until=${at(60)}`)).json()
    expect(annotations).toMatchObject([
      { text: 'a moment', by: 'anna' },
      { text: 'a line', by: 'ben' },
    ])
    const again = new Annotations(under.store)
    await again.load()
    expect(await again.in({ until: NOON + 60n * SECOND })).toMatchObject([{ text: 'a moment' }, { text: 'a line' }])
    expect((await call('DELETE', `/${annotations[0].id}`)).status).toBe(200)
    expect((await call('DELETE', `/${annotations[0].id}`)).status).toBe(404)
    expect(await search('')).not.toContain('a moment')
  })

  it.each([
    [{ at: 'never', text: 'x' }, /cannot .*never/],
    [{ at: `A${'x'.repeat(60)}`, text: 'x' }, /cannot use this cursor/],
    [{ at: 'now', text: '' }, /cannot use text=''/],
    [{ at: 'now', text: 'x'.repeat(5_000) }, /text/],
    [{ at: 'now' }, /text/],
  ])('are refused when they are wrong: %j', async (body, message) => {
    const response = await call('POST', '', body)
    expect(response.status).toBe(400)
    expect(await response.text()).toMatch(message)
  })
})

describe('notes of several servers on one store', () => {
  it('are all kept, and seen by each', async () => {
    const data = new MemoryData()
    const two = [new Annotations(new MemoryStore(data)), new Annotations(new MemoryStore(data))]
    const wish = (text: string) => ({ from: NOON, made: NOON, by: 'x', text })
    await Promise.all([...'abcdefgh'].map((text, index) => two[index % 2]?.add(wish(text))))
    const other = new Annotations(new MemoryStore(data))
    expect(
      (await other.in({}))
        .map(({ text }) => text)
        .sort()
        .join(''),
    ).toBe('abcdefgh')
  })

  it('stay gone when another server writes at the same moment', async () => {
    const data = new MemoryData()
    const [a, b] = [new Annotations(new MemoryStore(data)), new Annotations(new MemoryStore(data))]
    const wish = { from: NOON, made: NOON, by: 'x', text: 'old' }
    const { id } = await a.add(wish)
    expect(await Promise.all([b.add({ ...wish, text: 'new' }), a.remove(id), a.remove(id)])).toMatchObject([
      { text: 'new' },
      true,
      false,
    ])
    expect(await new Annotations(new MemoryStore(data)).in({})).toMatchObject([{ text: 'new' }])
  })

  it('are told to those who follow on another one, at once or when they come again', async () => {
    const cluster = new Cluster()
    const [a, b] = [await cluster.add(), await cluster.add()]
    await a.context.ingestor.records(linesOf(WEB, 3))
    const note = async (text: string) => {
      const body = JSON.stringify({ at: at(-600), text })
      await fetch(`${b.url}/api/v1/annotations`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      })
    }
    const follow = (id = '') => new Events(`${a.url}/api/v1/tail?n=1`, id === '' ? {} : { 'last-event-id': id })
    const one = follow()
    const live = (await one.until('live')).at(-1)?.id ?? ''
    await note('meanwhile')
    const told = (await one.until('annotation')).at(-1)?.data ?? '{}'
    expect(JSON.parse(told)).toMatchObject({ at: at(-600), text: 'meanwhile' })
    one.close()
    await note('away')
    const again = follow(live)
    const texts = (await again.until('live'))
      .filter(({ event }) => event === 'annotation')
      .map(({ data }) => JSON.parse(data).text)
    expect(texts).toEqual(['meanwhile', 'away'])
    again.close()
    await cluster.close()
  })
})
