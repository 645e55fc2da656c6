import { setTimeout as delay } from 'node:timers/promises'
import type { EventSourceMessage } from 'eventsource-parser'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Timing } from '../../../server/context.ts'
import type { Query } from '../../../server/query/query.ts'
import type { LogRecord, StoredRecord } from '../../../shared/record.ts'
import { Events, messagesOf } from '../events.ts'
import { inventoryOf } from '../inventory.ts'
import { serve, type TestServer } from '../serve.ts'
import { MemoryStore } from '../store/memory.ts'
import { API, NOON, recordOf, SECOND, WEB } from '../store/records.ts'

/** No event is quiet for so long in a test. */
const NEVER_MS = 600_000
const MS = 1_000_000n

describe('GET /api/v1/tail?events=true', () => {
  let store: MemoryStore
  let server: TestServer
  let clients: Events[]
  const start = async (timing: Partial<Timing>) => {
    await server?.close()
    server = await serve({ store, timing })
  }
  beforeEach(() => {
    store = new MemoryStore()
    clients = []
  })
  afterEach(async () => {
    for (const client of clients) client.close()
    await server.close()
  })
  const tail = (query = '', id?: string): Events => {
    const headers: Record<string, string> = id === undefined ? {} : { 'last-event-id': id }
    const client = new Events(`${server.url}/api/v1/tail?events=true&${query}`, headers)
    clients.push(client)
    return client
  }
  const print = (stream: LogRecord['stream'], atMs: number, messages: readonly string[]) =>
    server.context.ingestor.records(
      messages.map((message, index) => recordOf(stream, { message, time: NOON + (BigInt(atMs) + BigInt(index)) * MS })),
    )

  it('shows the events of the history, then says that it is live', async () => {
    await start({ quietMs: 10 })
    await print(WEB, 0, ['one', ' a', 'two', ' b', 'three'])
    for (const [query, expected] of [
      [`since=${NOON / SECOND}`, ['one\n a', 'two\n b', 'three']],
      [`since=${NOON / SECOND}.001`, ['two\n b', 'three']],
      [`since=${NOON / SECOND}&q=b+two`, ['two\n b']],
      ['n=2', ['two\n b', 'three']],
      ['n=1&q=b+two', ['two\n b']],
      ['n=0', []],
      ['', []],
    ] as const) {
      const events = await tail(query).until('live')
      expect([query, messagesOf(events)]).toEqual([query, expected])
    }
  })

  it('begins with the newest events, and with nothing of others that reach there', async () => {
    await start({ quietMs: 10 })
    await print(API, 0, ['old'])
    await print(WEB, 1, ['new'])
    await print(API, 2, [' more'])
    expect(messagesOf(await tail('n=1').until('live'))).toEqual(['new'])
  })

  it('takes no line of the history for late, however slowly the store reads', async () => {
    store = new SlowStore()
    await start({ quietMs: 1 })
    await print(WEB, 0, ['one', ' a', ' b', 'two', ' c'])
    expect(messagesOf(await tail(`since=${NOON / SECOND}`).until('live'))).toEqual(['one\n a\n b', 'two\n c'])
  })

  it('sends an event when the next one of its output begins, however its lines came in', async () => {
    await start({ quietMs: NEVER_MS })
    const client = tail()
    await client.until('live')
    await print(WEB, 0, ['failed'])
    await print(API, 1, ['other', ' x', 'more'])
    await print(WEB, 5, [' at a', ' at b', 'fine'])
    expect(messagesOf(await client.take(2))).toEqual(['failed\n at a\n at b', 'other\n x'])
  })

  it('sends an event that got no line for a while, and what comes later by itself', async () => {
    await start({ quietMs: 20 })
    const client = tail('format=text&raw=1')
    await client.until('live')
    await print(WEB, 0, ['failed', ' at a'])
    const [event] = await client.take(1)
    expect(JSON.parse(event?.data ?? '')).toEqual({ source: 'stdout', text: 'failed\n at a' })
    const records = tail('q=late')
    await records.until('live')
    await print(WEB, 9, [' late'])
    expect(JSON.parse((await client.take(1))[0]?.data ?? '')).toMatchObject({ text: ' late' })
    expect(JSON.parse((await records.take(1))[0]?.data ?? '')).toMatchObject({ message: ' late', event_lines: 1 })
  })

  it("goes by the service's label", async () => {
    await start({ quietMs: 10 })
    const service = { id: WEB.serviceId, name: WEB.service, stack: '', mode: 'global' as const, replicas: 0 }
    const services = [{ ...service, image: '', update: '', multiline: '^#' }]
    await server.context.ingestor.inventory(inventoryOf({ services }))
    await print(WEB, 0, ['# one', 'a', '# two', 'b'])
    expect(messagesOf(await tail('n=2').until('live'))).toEqual(['# one\na', '# two\nb'])
    const found = await server.get('/api/v1/count?events=1')
    expect(await found.json()).toMatchObject({ records: 2 })
    const told = await (await server.get('/api/v1/services')).json()
    expect(told).toMatchObject({ services: [{ name: WEB.service }] })
  })

  it('goes on behind any event', async () => {
    await start({ quietMs: 10 })
    await print(WEB, 0, ['one', ' a', 'two', ' b', 'three'])
    const first = tail(`since=${NOON / SECOND}`)
    const events = await first.until('live')
    await print(WEB, 10, ['four', ' c'])
    events.push(...(await first.take(1)))
    await print(WEB, 20, ['five', ' d'])
    events.push(...(await first.take(1)))
    expect(messagesOf(events)).toEqual(['one\n a', 'two\n b', 'three', 'four\n c', 'five\n d'])
    const told = events.filter(({ event }) => event === undefined || event === 'live')
    await print(WEB, 30, ['six'])
    for (const [index, { id }] of told.entries()) {
      const rest = messagesOf(await tail(`since=${NOON / SECOND}`, id).until('live'))
      expect(rest).toEqual([...messagesOf(told.slice(index + 1)), 'six'])
    }
  })

  it('goes on behind events that others began among, without a line of them', async () => {
    await start({ quietMs: 10 })
    await print(WEB, 0, ['one', ' a'])
    await print(API, 1, ['two'])
    await print(WEB, 3, [' b', 'three'])
    await print(API, 5, [' x', ' y'])
    await print(WEB, 7, [' c', 'four'])
    await expectToGoOn(['one\n a\n b', 'two\n x\n y', 'three\n c', 'four'])
  })

  it('goes on behind events whose lines came before and after it was live', async () => {
    await start({ quietMs: NEVER_MS })
    await print(WEB, 0, ['one'])
    await print(API, 1, ['two'])
    const client = tail(`since=${NOON / SECOND}`)
    await expect.poll(() => server.context.live.size).toBe(1)
    await print(WEB, 2, [' a', 'three'])
    await print(API, 4, [' x', 'four'])
    await print(WEB, 6, ['five'])
    await print(API, 7, ['six'])
    const all = [...(await client.until('live')), ...(await client.take(2))]
    client.close()
    const told = all.filter(({ event }) => event === undefined || event === 'live')
    expect(messagesOf(told)).toEqual(['one\n a', 'two\n x', 'three', 'four'])
    for (const [index, { id }] of told.slice(0, -1).entries()) {
      const rest = messagesOf(await tail(`since=${NOON / SECOND}`, id).untilMessage('four'))
      expect(rest).toEqual(messagesOf(told.slice(index + 1)))
    }
  })

  it('loses no line of an event that goes on for long among others, and goes on after many of them', async () => {
    await start({ quietMs: 10 })
    await print(WEB, 0, ['one'])
    await print(API, 1, ['two'])
    await print(
      WEB,
      2,
      Array.from({ length: 100 }, (_, index) => ` ${index}`),
    )
    const all = (await tail(`since=${NOON / SECOND}`).until('live')).filter(({ event }) => event === undefined)
    const rest = linesOf(await tail(`since=${NOON / SECOND}`, all[0]?.id).until('live'))
    expect(rest.slice(0, 2)).toEqual(['two', ' 0'])
    expect(rest).toHaveLength(1 + 100 - 64)
  })

  /** The history is of these events, also to tails that are interrupted behind each, and behind each again. */
  async function expectToGoOn(messages: readonly string[]): Promise<void> {
    const history = async (id?: string) =>
      (await tail(`since=${NOON / SECOND}`, id).until('live')).filter(({ event }) => event === undefined)
    const all = await history()
    expect(messagesOf(all)).toEqual(messages)
    for (let [index, told] = [0, all]; told.length > 0; index++, told = await history(told[0]?.id))
      expect(messagesOf(told)).toEqual(messages.slice(index))
    for (const [index, { id }] of all.entries())
      expect(messagesOf(await history(id))).toEqual(messages.slice(index + 1))
  }
})

/** Takes longer for each line than a tail waits for one. */
class SlowStore extends MemoryStore {
  override async *search(query: Query, signal?: AbortSignal): AsyncGenerator<readonly StoredRecord[]> {
    for await (const records of super.search(query, signal)) {
      for (const record of records) {
        await delay(20)
        yield [record]
      }
    }
  }
}

function linesOf(events: readonly EventSourceMessage[]): string[] {
  return messagesOf(events).flatMap((message) => message.split('\n'))
}
