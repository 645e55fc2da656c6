import type { EventSourceMessage } from 'eventsource-parser'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Timing } from '../../../server/context.ts'
import type { LogRecord } from '../../../shared/record.ts'
import { formatTime } from '../../../shared/time.ts'
import { Events, messagesOf } from '../events.ts'
import { serve, type TestServer } from '../serve.ts'
import type { StoreUnderTest } from '../store/contract.ts'
import { DAY, linesOf, NOON, recordOf, SECOND, streamOf } from '../store/records.ts'
import { STORES } from '../stores.ts'

const WEB = streamOf('web')
const API = streamOf('api', { nodeId: 'node0', nodeName: 'worker-0' })

describe.each(STORES)('GET /api/v1/tail over the %s store', (_, open) => {
  let under: StoreUnderTest
  let server: TestServer
  let clients: Events[]
  const start = async (timing?: Partial<Timing>) => {
    server = await serve({ store: under.store, ...(timing && { timing }) })
  }
  beforeEach(async () => {
    clients = []
    under = await open()
    await start()
  })
  afterEach(async () => {
    for (const client of clients) client.close()
    await server.close()
    await under.destroy()
  })
  const tail = (query = '', lastEventId?: string): Events => {
    const headers: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
    const client = new Events(`${server.url}/api/v1/tail?${query}`, headers)
    clients.push(client)
    return client
  }
  const ingest = async (records: readonly LogRecord[]) => server.context.ingestor.records(records)

  it.each(['the end of the history', 'a line'])(
    'says when retention has passed its cursor at %s, and is not complete then',
    async (where) => {
      await ingest(linesOf(WEB, 5))
      const events = await tail('n=5').until('live')
      const id = events.at(where === 'a line' ? 2 : -1)?.id
      const notes = (told: readonly EventSourceMessage[]) =>
        told.filter(({ event }) => event === 'note').map(({ data }) => JSON.parse(data))
      const verdicts = (told: readonly EventSourceMessage[]) =>
        told.filter(({ event }) => event === 'completeness').map(({ data }) => JSON.parse(data).verdict)
      const whole = await tail('n=5', id).until('live')
      expect([notes(whole), verdicts(whole)]).toEqual([[], ['unknown']])
      const status = under.store.status()
      const begins = server.context.now() + SECOND
      vi.spyOn(under.store, 'status').mockReturnValue({ ...status, begins })
      const passed = await tail('n=5', id).until('live')
      expect(notes(passed)).toEqual([
        { code: 'passed', message: expect.stringContaining(`to ${formatTime(begins)} may be missing`) },
      ])
      expect(verdicts(passed)).toEqual(['partial'])
    },
  )

  it('shows history first when asked to, then what comes in', async () => {
    await ingest(linesOf(WEB, 5))
    for (const [query, history] of [
      ['', []],
      ['n=0', []],
      ['n=2', ['line 3', 'line 4']],
      [`since=${NOON / SECOND}.003`, ['line 3', 'line 4']],
      [`since=${NOON / SECOND}.001&until=${NOON / SECOND}.003`, ['line 1', 'line 2']],
    ] as const) {
      const client = tail(query)
      const events = await client.until('live')
      expect(messagesOf(events)).toEqual(history)
      expect(events.at(-1)).toMatchObject({ event: 'live', data: '{}', id: expect.any(String) })
    }
    const client = tail('n=1&grep=NEW&q=service:api')
    await client.until('live')
    await ingest([
      recordOf(API, { message: 'new', time: NOON - SECOND }),
      recordOf(API, { message: 'other', ordinal: 1 }),
    ])
    const [event] = await client.take(1)
    expect(JSON.parse(event?.data ?? '')).toMatchObject({
      message: 'new',
      cursor: event?.id,
      'service.name': 'shop_api',
    })
  })

  it('prints text as its flags say', async () => {
    await ingest([recordOf(API, { source: 'stderr', message: 'tty\r' })])
    const [event] = await tail('n=1&format=text&timestamps=1').take(1)
    expect(JSON.parse(event?.data ?? '')).toEqual({
      source: 'stderr',
      text: expect.stringMatching(/^\S+T12:00:00\.000000000Z shop_api\.1\.task-api@worker-0 {4}\| tty\r$/),
    })
  })

  it('misses nothing and doubles nothing, whenever it is begun while lines come in', async () => {
    const total = 2000
    const tails: Promise<string[]>[] = []
    for (let at = 0; at < total; at += 10) {
      if (at % 100 === 0) {
        const client = tail('since=2020-01-01')
        tails.push(client.untilMessage('the end').then(messagesOf))
        if (at % 200 === 0) await client.response()
      }
      await Promise.all([
        ingest(numbered(WEB, at, 5)),
        // Later lines with earlier times, as a node that was cut off sends them.
        ingest(numbered(API, at + 5, 5, -SECOND)),
      ])
    }
    await Promise.all(clients.map((client) => client.response()))
    await ingest([recordOf(WEB, { message: 'the end', time: NOON + DAY / 4n })])
    const expected = [...Array.from({ length: total }, (_, index) => `line ${index}`), 'the end'].sort()
    for (const messages of await Promise.all(tails)) expect(messages.sort()).toEqual(expected)
    expect(tails).toHaveLength(20)
  }, 60_000)

  it('goes on behind any event, also after a restart of the server, with nothing missing or doubled', async () => {
    await ingest([...linesOf(WEB, 6), ...linesOf(API, 6)])
    await ingest(linesOf(WEB, 3, { time: NOON - SECOND, message: 'late' }))
    const first = tail('since=2020-01-01')
    const events = await first.until('live')
    for (const [time, stream] of [
      [2n, WEB],
      [1n, API],
    ] as const) {
      await ingest([
        ...linesOf(stream, 2, { time: NOON + time * SECOND }),
        recordOf(API, { time: NOON + time, message: 'x' }),
      ])
      events.push(...(await first.take(3)))
    }
    const restart = async () => {
      await server.close()
      await under.reopen()
      await start()
    }
    const all = recordsOf(events)
    expect(all).toHaveLength(21)
    await restart()
    const missed = linesOf(WEB, 2, { time: NOON + 9n * SECOND, message: 'missed' })
    await ingest(missed)
    for (const [index, event] of events.entries()) {
      if (event.event === 'completeness') continue
      const rest = await tail('since=2020-01-01', event.id).until('live')
      const expected = [...recordsOf(events.slice(index + 1)), 'missed 9000', 'missed 9001']
      expect(recordsOf(rest).sort()).toEqual(expected.sort())
    }
  })

  it('goes on within the newest N', async () => {
    await ingest(linesOf(WEB, 20))
    const events = await tail('n=6').until('live')
    for (const [index, event] of events.entries()) {
      if (event.event === 'completeness') continue
      const rest = await tail('n=6', event.id).until('live')
      expect(messagesOf(rest)).toEqual(messagesOf(events.slice(index + 1)))
    }
  })

  it('goes on with the relative times of the first request', async () => {
    const now = BigInt(Date.now()) * 1_000_000n
    await ingest(linesOf(WEB, 4, { time: now - 2n * SECOND }))
    const [first] = (await tail('since=3s').until('live')).filter(({ event }) => event === undefined)
    server.context.live.close()
    await server.close()
    server = await serve({ store: under.store, now: () => BigInt(Date.now()) * 1_000_000n + 3_600n * SECOND })
    const rest = await tail('since=3s', first?.id).until('live')
    expect(messagesOf(rest)).toEqual(['line 1', 'line 2', 'line 3'])
  })

  it('reads from the store what came in too fast, and loses nothing', async () => {
    await ingest(linesOf(WEB, 500, { message: 'x'.repeat(20_000) }))
    const client = tail('since=2020-01-01')
    await client.untilMessage('x'.repeat(20_000))
    await client.pause()
    for (let round = 0; round < 30; round++) await ingest(linesOf(API, 300, { time: NOON + BigInt(round) * SECOND }))
    await client.resume()
    const events = await client.until('live')
    expect(messagesOf(events)).toHaveLength(499 + 9_000)
  }, 60_000)

  it('ends when the time of `until` has come', async () => {
    await ingest(linesOf(WEB, 2))
    const events = await tail('since=2020-01-01&until=now').until('never')
    expect(messagesOf(events)).toHaveLength(2)
    expect(events.map(({ event }) => event).slice(-2)).toEqual(['live', 'note'])
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({ code: 'until' })
  })

  it('tells the clients when the server stops', async () => {
    const client = tail()
    await client.until('live')
    server.context.live.close()
    const events = await client.until('never')
    expect(events.map(({ data }) => JSON.parse(data).code)).toEqual(['shutdown'])
  })
})

describe('GET /api/v1/tail', () => {
  let server: TestServer
  let client: Events | undefined
  afterEach(async () => {
    client?.close()
    await server.close()
  })
  const tail = (query = '', headers = {}): Events => {
    client = new Events(`${server.url}/api/v1/tail?${query}`, headers)
    return client
  }

  it('notes what it waits for, what a target was widened to, and where the store begins', async () => {
    server = await serve()
    await server.context.ingestor.records(linesOf(WEB, 1))
    const events = await tail('target=web&target=nope&since=2020-01-01').until('live')
    const notes = events.filter(({ event }) => event === 'note').map(({ data }) => JSON.parse(data))
    expect(notes).toEqual([
      { code: 'targets', message: 'web: shop_web', target: 'web', services: ['shop_web'] },
      { code: 'waiting', message: expect.stringContaining("'nope'"), target: 'nope', services: ['shop_web'] },
      { code: 'begins', message: expect.stringMatching(/begins at \S+T12:00:00\.000000000Z/) },
    ])
  })

  it('shows a service that begins later', async () => {
    server = await serve()
    const waiting = tail('target=api')
    await waiting.until('live')
    await server.context.ingestor.records([recordOf(WEB), recordOf(API, { message: 'at last' })])
    expect(messagesOf(await waiting.take(1))).toEqual(['at last'])
  })

  it('drops a client that is too slow for the live lines, with a note, and holds little for it', async () => {
    server = await serve({ timing: { slowMs: 0 } })
    const slow = tail()
    await slow.until('live')
    await slow.pause()
    const message = 'x'.repeat(100_000)
    for (let round = 0; round < 100; round++)
      await server.context.ingestor.records(linesOf(WEB, 5, { time: NOON + BigInt(round) * SECOND, message }))
    await slow.resume()
    const events = await slow.until('never')
    const last = events.at(-1)
    expect(JSON.parse(last?.data ?? '')).toMatchObject({ code: 'slow' })
    expect(await server.context.metrics.registry.metrics()).toContain('swarmlogs_tails_dropped_total 1')
    const seen = messagesOf(events).length
    expect(seen).toBeLessThan(500)
    server.context.live.close()
    const rest = await tail('', { 'last-event-id': events.at(-2)?.id ?? '' }).until('live')
    expect(seen + messagesOf(rest).length).toBe(500)
  }, 60_000)

  it('closes a connection that takes nothing at all', async () => {
    server = await serve({ timing: { stalledMs: 300, slowMs: 100 } })
    const stalled = tail()
    await stalled.until('live')
    await stalled.pause()
    const message = 'x'.repeat(100_000)
    for (let round = 0; round < 100; round++)
      await server.context.ingestor.records(linesOf(WEB, 5, { time: NOON + BigInt(round) * SECOND, message }))
    await expect.poll(() => server.context.slots.taken, { timeout: 5000 }).toBe(0)
    expect(server.context.live.size).toBe(0)
  })

  it('sends comments when nothing else is to be sent', async () => {
    server = await serve({ timing: { heartbeatMs: 20 } })
    const response = await fetch(`${server.url}/api/v1/tail`)
    let text = ''
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    while (!text.includes(':\n\n:\n\n')) text += (await reader?.read())?.value ?? ''
    await reader?.cancel()
    expect(text.startsWith(': ')).toBe(true)
  })

  it('forgets a client that has left', async () => {
    server = await serve()
    const gone = tail()
    await gone.until('live')
    expect(server.context.live.size).toBe(1)
    gone.close()
    await expect.poll(() => [server.context.live.size, server.context.slots.taken]).toEqual([0, 0])
  })

  it('tells the client when the store fails', async () => {
    server = await serve()
    await server.context.ingestor.records(linesOf(WEB, 1))
    Object.assign(server.context.store, {
      search: () => {
        throw new Error('the disk is gone')
      },
    })
    const events = await tail('since=2020-01-01').until('never')
    expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({ code: 'error' })
  })

  it.each<[string, Record<string, string>, string, RegExp]>([
    ['limit=5', {}, 'limit', /right are target/],
    ['order=desc', {}, 'order', /right are target/],
    ['format=xml', {}, 'format', /give json or text/],
    ['since=soon', {}, 'since', /right are/],
    ['cursor=AAAA', {}, 'cursor', /damaged/],
    ['', { 'last-event-id': 'AAAA' }, 'cursor', /damaged/],
  ])('answers 400 to %s %o', async (query, headers, parameter, message) => {
    server = await serve()
    const response = await server.get(`/api/v1/tail?${query}`, headers)
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      error: { code: 'bad_parameter', parameter, message: expect.stringMatching(message) },
    })
  })
})

/** Lines with numbers from `from` on, a microsecond apart. */
function numbered(stream: LogRecord['stream'], from: number, count: number, offset = 0n): LogRecord[] {
  return Array.from({ length: count }, (_, index) =>
    recordOf(stream, { time: NOON + offset + BigInt(from + index) * 1000n, message: `line ${from + index}` }),
  )
}

/** Message and millisecond of each record: enough to tell these records apart. */
function recordsOf(events: readonly EventSourceMessage[]): string[] {
  return events.flatMap(({ event, data }) => {
    if (event !== undefined) return []
    const record = JSON.parse(data) as { message: string; '@timestamp': string; 'service.name': string }
    const ms = Number(BigInt(Date.parse(record['@timestamp'])) - NOON / 1_000_000n)
    return [`${record.message}${record.message === 'missed' ? '' : ` ${record['service.name']}`} ${ms}`]
  })
}
