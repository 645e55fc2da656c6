import { describe, expect, it } from 'vitest'
import { eventsInTurn, searchEvents } from '../../../server/events/search.ts'
import { startsOf } from '../../../server/events/start.ts'
import { Budget } from '../../../server/query/budget.ts'
import type { Query } from '../../../server/query/query.ts'
import { parseQuery } from '../../../shared/query/parse.ts'
import { type LogRecord, positionOf, type StoredRecord } from '../../../shared/record.ts'
import { serve } from '../serve.ts'
import { MemoryStore } from '../store/memory.ts'
import { API, NOON, queryOf, recordOf, SECOND, streamOf, WEB } from '../store/records.ts'

const MS = 1_000_000n
const TRACE = ['ERROR failed', 'Traceback (most recent call last):', '  File "a.py", line 1', 'KeyError: x']

/** Lines of a stream from a time on, a millisecond apart. */
function lines(stream: LogRecord['stream'], at: bigint, texts: readonly string[]): LogRecord[] {
  return texts.map((message, index) => {
    const level = message.startsWith('ERROR') ? 'error' : ''
    return recordOf(stream, { message, level, time: NOON + at + BigInt(index) * MS })
  })
}

async function ask(records: readonly LogRecord[], query: Partial<Query> = {}, q = ''): Promise<StoredRecord[]> {
  const store = new MemoryStore()
  await store.append(records)
  const where = parseQuery(q)
  const found: StoredRecord[] = []
  const asked = queryOf(query, where.op === 'all' ? {} : { where })
  for await (const batch of searchEvents(
    { search: store.search.bind(store), startOf: startsOf(() => undefined) },
    asked,
    new AbortController().signal,
  ))
    found.push(...batch)
  return found
}
const messages = (records: readonly StoredRecord[]) => records.map(({ message }) => message)

describe('searchEvents', () => {
  const mixed = [...lines(WEB, 0n, ['one', ...TRACE, 'two']), ...lines(API, 500_000n, ['a', ' b', 'c', 'd', 'e', 'f'])]

  it('joins lines of one output, in the order of their first lines', async () => {
    const trace = TRACE.join('\n')
    expect(messages(await ask(mixed))).toEqual(['one', 'a\n b', trace, 'c', 'd', 'e', 'two', 'f'])
  })

  it('keeps services of one host apart that have no container, as imports and foreign senders tell them', async () => {
    const [web, api, second] = [{ service: 'web' }, { service: 'api' }, { service: 'web', slot: 2 }].map((labels) =>
      streamOf('w', { containerId: '', taskId: '', taskName: '', containerName: '', tag: 'import', ...labels }),
    ) as [LogRecord['stream'], LogRecord['stream'], LogRecord['stream']]
    const records = [
      ...lines(web, 0n, ['ERROR failed', '\tat x']),
      ...lines(api, 500_000n, ['one', '  indented']),
      ...lines(second, 700_000n, ['two']),
    ]
    expect(messages(await ask(records))).toEqual(['ERROR failed\n\tat x', 'one\n  indented', 'two'])
    expect(messages(await ask(records, {}, 'service:api'))).toEqual(['one\n  indented'])
  })

  it('looks for all that is asked for in all lines of an event', async () => {
    const [event, ...others] = await ask(mixed, {}, 'level:error keyerror "file \\"a.py" -service:api')
    expect(others).toEqual([])
    expect(event).toMatchObject({ message: TRACE.join('\n'), level: 'error', time: NOON + MS })
    expect(await ask(mixed, {}, 'KeyError -failed')).toEqual([])
  })

  it('goes on behind an event, not within it', async () => {
    const all = await ask(mixed)
    for (let index = 0; index < all.length; index++) {
      const event = all[index]
      if (event === undefined) continue
      expect(messages(await ask(mixed, { after: positionOf(event) }))).toEqual(messages(all.slice(index + 1)))
      expect(messages(await ask(mixed, { limit: index }))).toEqual(messages(all.slice(0, index)))
    }
  })

  it('ends an event after five seconds, and after 1,000 lines', async () => {
    const slow = [...lines(WEB, 0n, ['a', ' b']), ...lines(WEB, 6n * SECOND, [' c'])]
    expect(messages(await ask(slow))).toEqual(['a\n b', ' c'])
    const many = lines(WEB, 0n, ['a', ...Array.from({ length: 1500 }, () => ' b')])
    expect((await ask(many)).map(({ message }) => message.split('\n').length)).toEqual([1000, 501])
  })

  it('counts an event at its first line, whatever of it lies outside of the range', async () => {
    const slow = lines(WEB, 0n, ['a', ' b', 'c', ' d'])
    const [, b, c, d] = slow
    expect(messages(await ask(slow, { since: b?.time ?? 0n }))).toEqual(['c\n d'])
    expect(messages(await ask(slow, { until: b?.time ?? 0n }))).toEqual(['a\n b'])
    expect(messages(await ask(slow, { since: c?.time ?? 0n, until: d?.time ?? 0n }))).toEqual(['c\n d'])
  })

  it('finds them also where most lines may be of one', async () => {
    const pairs = Array.from({ length: 5_000 }, (_, index) => (index % 2 === 0 ? `one ${index}` : ' two'))
    const far = lines(WEB, -100n * SECOND, ['one', ' two', 'one'])
    const found = await ask([...far, ...lines(WEB, 0n, pairs)], {}, 'one two')
    expect(found.map(({ message }) => message.replace(/\d+/, ''))).toEqual([
      'one\n two',
      ...Array(2_500).fill('one \n two'),
    ])
    expect(await ask([...far, ...lines(WEB, 0n, pairs)], { order: 'desc', limit: 1 }, 'one two')).toMatchObject([
      { message: 'one 4998\n two' },
    ])
  })

  it('has one search open at a time, so that searches cannot wait for each other', async () => {
    const store = new MemoryStore()
    const far = Array.from({ length: 1_100 }, (_, index) =>
      lines(WEB, BigInt(index) * 60n * SECOND, ['one', ' two', 'one']),
    )
    await store.append(far.flat())
    let open = 0
    async function* search(...asked: Parameters<MemoryStore['search']>) {
      expect(++open).toBe(1)
      try {
        yield* store.search(...asked)
      } finally {
        open--
      }
    }
    for (const order of ['asc', 'desc'] as const) {
      let found = 0
      const query = queryOf({ order }, { where: parseQuery('one two') })
      const signal = new AbortController().signal
      for await (const events of searchEvents({ search, startOf: startsOf(() => undefined) }, query, signal))
        found += events.length
      expect(found).toBe(1_100)
    }
  })

  it('holds no more of the newest than a bound', async () => {
    const large = Array.from({ length: 18 }, (_, index) => `${index} ${'x'.repeat(1024 * 1024)}`)
    expect(await ask(lines(WEB, 0n, large), { newest: 3 })).toHaveLength(3)
    await expect(ask(lines(WEB, 0n, large), { newest: 18 })).rejects.toThrow('over 16 Mi characters')
  })

  it('has those wait for their turn that ask for the newest, and refuses the rest', async () => {
    const server = await serve()
    const { eventTurns, ingestor } = server.context
    await ingestor.records(lines(WEB, 0n, ['one', ' two', 'three']))
    const end = Promise.withResolvers<void>()
    const works = Array.from({ length: 4 + 64 }, () => eventTurns.run(new AbortController().signal, () => end.promise))
    const since = `since=${NOON / SECOND}`
    for (const query of ['n=1', `${since}&order=desc`, `${since}&n=1&order=asc`])
      expect((await server.get(`/api/v1/search?events=true&${query}`)).status).toBe(429)
    for (const path of ['fields?', 'values?field=x&', 'stats?field=x&', 'patterns?'])
      expect((await server.get(`/api/v1/${path}events=true`)).status).toBe(429)
    expect((await server.get(`/api/v1/search?events=true&order=asc&${since}`)).status).toBe(200)
    end.resolve()
    await Promise.all(works)
    const answer = await server.get('/api/v1/search?events=true&n=2')
    expect(await answer.json()).toMatchObject({ records: [{ message: 'one\n two' }, { message: 'three' }] })
    await server.close()
  })

  it.each([{ order: 'desc' }, { order: 'asc', newest: 3 }] as const)(
    'takes the turn from who does not take the answer, and goes on where it was: %o',
    async (wish) => {
      const server = await serve()
      const { context } = server
      const large = Array.from({ length: 3 }, (_, index) => `${index} ${'x'.repeat(300_000)}`)
      await context.ingestor.records(lines(WEB, 0n, large))
      const { signal } = new AbortController()
      const query = queryOf({ ...wish, limit: 3, receivedUpTo: context.commits.lastReceived })
      const stalled = Array.from({ length: 4 }, () =>
        eventsInTurn(context, query, new Budget(60_000, true), signal)[Symbol.asyncIterator](),
      )
      const first = await Promise.all(stalled.map((one) => one.next()))
      // All turns are taken: it waits until one is given up.
      expect(await context.eventTurns.run(signal, async () => 'done')).toBe('done')
      const [found = []] = first.map(({ value }) => [...(value ?? [])])
      for await (const events of { [Symbol.asyncIterator]: () => stalled[0] ?? expect.fail() }) found.push(...events)
      const numbers = messages(found).map((message) => message.charAt(0))
      expect(numbers).toEqual(wish.order === 'desc' ? ['2', '1', '0'] : ['0', '1', '2'])
      await Promise.all(stalled.map((one) => one.return(undefined)))
      await server.close()
    },
  )

  it('finds fields in any line', async () => {
    const [first, second] = lines(WEB, 0n, ['failed', ' status=500'])
    const both = [first, second].flatMap((line, index) =>
      line ? [{ ...line, fields: index === 0 ? '' : '{"status":500}' }] : [],
    )
    expect(messages(await ask(both, {}, 'failed status>=500'))).toEqual(['failed\n status=500'])
  })

  it('tells the length of an event with a line that was cut', async () => {
    const [first, second] = lines(WEB, 0n, ['é', ' b']) as [LogRecord, LogRecord]
    expect(await ask([first, { ...second, cutFrom: 2_000_000 }])).toMatchObject([{ cutFrom: 2_000_003 }])
    expect(await ask([first, second])).toMatchObject([{ cutFrom: 0 }])
  })

  it('says what goes on with an event that reached a bound', async () => {
    const slow = [...lines(WEB, 0n, ['a', ' b']), ...lines(WEB, 6n * SECOND, [' c', 'd'])]
    expect((await ask(slow)).map((event) => 'continued' in event && event.continued)).toEqual([false, 'time', false])
    const many = await ask(lines(WEB, 0n, ['a', ...Array.from({ length: 1500 }, () => ' b')]))
    expect(many.map((event) => 'continued' in event && event.continued)).toEqual([false, 'lines'])
    const large = await ask(lines(WEB, 0n, ['a', ` ${'b'.repeat(1024 * 1024)}`]))
    expect(large.map((event) => 'continued' in event && event.continued)).toEqual([false, 'size'])
  })

  it("goes by the container's label", async () => {
    const own = streamOf('own', { attributes: { 'swarmlogs.multiline': '^\\[' } })
    const shipped = streamOf('shipped', { multiline: '^\\[' })
    expect(messages(await ask(lines(shipped, 0n, ['[1', 'x', 'y', '[2'])))).toEqual(['[1\nx\ny', '[2'])
    const broken = streamOf('broken', { attributes: { 'swarmlogs.multiline': '(' } })
    expect(messages(await ask(lines(own, 0n, ['[1', 'x', 'y', '[2'])))).toEqual(['[1\nx\ny', '[2'])
    expect(messages(await ask(lines(broken, 0n, ['[1', 'x'])))).toEqual(['[1', 'x'])
  })
})
