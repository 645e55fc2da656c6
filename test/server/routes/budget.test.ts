import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Query, Scope } from '../../../server/query/query.ts'
import { Windows } from '../../../server/query/windows.ts'
import type { StreamSummary } from '../../../server/store/store.ts'
import type { ApiCount, ApiHistogram, ApiPage } from '../../../shared/api/answers.ts'
import { parseQuery } from '../../../shared/query/parse.ts'
import type { StoredRecord } from '../../../shared/record.ts'
import { formatTime } from '../../../shared/time.ts'
import { Events, messagesOf } from '../events.ts'
import { serve, type TestServer } from '../serve.ts'
import { MemoryStore } from '../store/memory.ts'
import { ALL, linesOf, NOON, queryOf, SECOND, WEB } from '../store/records.ts'

/** A store that never comes to the end of a query: it answers a part, and waits until it is told to stop. */
class SlowStore extends MemoryStore {
  /** Counts of windows that do come to an end. */
  quick = 0
  /** It says that it has so many lines of each stream. */
  told: number | undefined
  /** Also queries that do not look at lines are slow. */
  isSlow = false
  waiting = 0
  aborted = 0

  override async *search(query: Query, signal?: AbortSignal): AsyncGenerator<readonly StoredRecord[]> {
    if (query.filter.where === undefined && !this.isSlow) return yield* super.search(query, signal)
    yield* super.search({ ...query, limit: 3 }, signal)
    await this.#wait(signal)
  }

  override async count(scope: Scope, signal?: AbortSignal): Promise<number> {
    if (this.quick-- <= 0) await this.#wait(signal)
    signal?.throwIfAborted()
    return super.count({ ...scope, filter: ALL }, signal)
  }

  override async streams(): Promise<readonly StreamSummary[]> {
    const streams = await super.streams()
    return this.told === undefined ? streams : telling(streams, this.told)
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    this.waiting++
    if (signal?.aborted === false) await once(signal, 'abort')
    this.aborted++
  }
}

describe('the time of a query', () => {
  let store: SlowStore
  let server: TestServer
  beforeEach(async () => {
    store = new SlowStore()
    server = await serve({ store, timing: { queryMs: 60 } })
    await server.context.ingestor.records(linesOf(WEB, 100))
  })
  afterEach(() => server.close())
  const get = async (path: string, accept = 'application/json'): Promise<Response> => {
    const response = await server.get(`/api/v1/${path}`, { accept })
    expect(response.status).toBe(200)
    return response
  }
  const STOPPED = expect.stringMatching(/^the query took longer than 0.06 s: /)

  it('ends a page with what was found, and a cursor to go on', async () => {
    const page = (await (await get('search?q=line')).json()) as ApiPage
    expect(page).toMatchObject({ end: false, stopped: STOPPED, cursor: expect.any(String) })
    expect(page.records.map(({ message }) => message)).toEqual(['line 0', 'line 1', 'line 2'])
    const next = (await (await get(`search?q=line&cursor=${page.cursor}`)).json()) as ApiPage
    expect(next.records[0]?.message).toBe('line 3')
  })

  it('leaves out an event of which it did not come to the end', async () => {
    store.isSlow = true
    const page = (await (await get('search?q=line&events=true&limit=50')).json()) as ApiPage
    expect(page).toMatchObject({ end: false, stopped: STOPPED })
    expect(page.records.map(({ message }) => message)).not.toContain('line 2')
  })

  it('ends a stream of records, and one of frames, and says so', async () => {
    const lines = (await (await get('search?q=line', 'application/x-ndjson')).text()).trimEnd().split('\n')
    expect(JSON.parse(lines[3] ?? '')).toMatchObject({
      end: true,
      records: 3,
      stopped: STOPPED,
      cursor: expect.any(String),
    })
    const multiplexed = 'application/vnd.docker.multiplexed-stream'
    expect(await (await get('search?q=line', `${multiplexed};trailer=completeness`)).text()).toContain(
      '"stopped":"the query',
    )
    expect(await (await get('search?q=line', multiplexed)).text()).toContain(
      'cannot show all lines: the query took longer',
    )
  })

  it('cuts off a text, which has no place to say so', async () => {
    const response = await get('search?q=line', 'text/plain')
    await expect(response.text()).rejects.toThrow()
  })

  it('ends a count and a histogram, and says how far they came', async () => {
    expect(await (await get('count?q=line')).json()).toMatchObject({ records: 0, stopped: STOPPED })
    store.quick = 1
    store.told = 2_000_000
    const count = (await (await get('count?q=line')).json()) as ApiCount
    const first = windowsOf(queryOf({}, { where: parseQuery('line') }), await store.streams()).next()
    expect(count).toMatchObject({ records: 25, stopped: STOPPED, counted_since: formatTime(first?.since ?? 0n) })
    const histogram = (await (await get('histogram?q=line&interval=1h')).json()) as ApiHistogram
    expect(histogram).toMatchObject({ interval: '1h', buckets: [], stopped: STOPPED })
  })

  it.each([
    ['', 3],
    ['&events=true', 0],
  ])('ends what is examined, and says so%s', async (events, records) => {
    store.isSlow = true
    const examined = { records, limited: true, stopped: STOPPED }
    for (const path of ['values?field=x', 'stats?field=x', 'patterns?'])
      expect([path, await (await get(`${path}&q=line${events}`)).json()]).toMatchObject([path, { examined }])
    expect(await (await get(`fields?q=line${events}`)).json()).toMatchObject({ examined })
  })

  it('ends a count of the values of events, and says how far it came', async () => {
    store.isSlow = true
    const answer = await (await get('values?field=service&q=line&events=true')).json()
    expect(answer).toMatchObject({ values: [], stopped: STOPPED, examined: { records: 0, limited: true } })
  })

  it.each(['', '&events=true'])('ends the history of a tail, says so, and goes live%s', async (events) => {
    store.isSlow = true
    const client = new Events(`${server.url}/api/v1/tail?q=line&since=${NOON / SECOND}${events}`)
    const told = await client.until('live')
    client.close()
    const notes = told.flatMap(({ event, data }) => (event === 'note' ? [JSON.parse(data)] : []))
    expect(notes).toMatchObject([{ code: 'stopped', message: expect.stringContaining('took longer than 0.06 s') }])
    expect(messagesOf(told).slice(0, 3)).toEqual(['line 0', 'line 1', 'line 2'])
  })

  it('does not bound a question that takes whatever is there', async () => {
    expect(await (await get('search?service=*_web')).json()).toMatchObject({ end: true })
  })

  it('ends the search within a second when the client leaves', async () => {
    await server.close()
    server = await serve({ store })
    const client = new AbortController()
    const asked = fetch(`${server.url}/api/v1/search?q=line`, { signal: client.signal })
    asked.catch(() => undefined)
    await expect.poll(() => store.waiting, { interval: 10 }).toBe(1)
    client.abort()
    await expect.poll(() => store.aborted, { timeout: 1_000, interval: 10 }).toBe(1)
  })
})

/** The streams, as if they had so many lines. */
const telling = (streams: readonly StreamSummary[], records: number) => streams.map((one) => ({ ...one, records }))
const windowsOf = (scope: Scope, matched: readonly StreamSummary[]) => new Windows(scope, matched, true, 16_000)

describe('Windows', () => {
  it.each([1, 200, 1_000, 100_000])('cut a scope into pieces that make it up, when each takes %i ms', async (ms) => {
    const store = new MemoryStore()
    await store.append(linesOf(WEB, 100))
    for (const range of [
      {},
      { since: NOON + SECOND / 50n },
      { since: NOON, until: NOON + SECOND / 20n },
      { until: NOON },
      { since: NOON + SECOND },
    ]) {
      const scope = queryOf(range, { grep: 'line' })
      const cut = windowsOf(scope, telling(await store.streams(), 10_000_000))
      const windows: Scope[] = []
      for (let one = cut.next(); one !== undefined; one = cut.next()) {
        windows.push(one)
        cut.learn(ms)
      }
      const counts = await Promise.all(windows.map((window) => store.count(window)))
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(await store.count(scope))
      expect(windows.at(-1)?.since).toBe(scope.since)
      expect(windows[0]?.until).toBe(scope.until)
    }
  })

  it('are few for what is fast, and one for what is small or not looked at', async () => {
    const store = new MemoryStore()
    await store.append(linesOf(WEB, 100))
    const scope = queryOf({}, { grep: 'line' })
    const small = windowsOf(scope, await store.streams())
    expect([small.next(), small.next()]).toEqual([scope, undefined])
    expect(windowsOf(scope, []).next()).toEqual(scope)
    const matched = telling(await store.streams(), 10_000_000)
    const labels = new Windows(queryOf(), matched, false, 16_000)
    expect([labels.next(), labels.next()]).toEqual([queryOf(), undefined])
    const fast = windowsOf(scope, matched)
    expect(fast.next()?.since).toBeDefined()
    fast.learn(10)
    expect(fast.next()?.since).toBeUndefined()
    expect(fast.next()).toBeUndefined()
  })
})
