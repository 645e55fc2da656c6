import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fieldReader, numberIn } from '../../../server/query/field-text.ts'
import { lineMatches } from '../../../server/query/filter.ts'
import { Patterns, patternText } from '../../../server/query/patterns.ts'
import type { ApiFields, ApiPatterns, ApiStats, ApiValues } from '../../../shared/api/analysis.ts'
import type { ApiHistogram } from '../../../shared/api/answers.ts'
import { parseQuery } from '../../../shared/query/parse.ts'
import { formatTime } from '../../../shared/time.ts'
import { serve, type TestServer } from '../serve.ts'
import { MemoryData, MemoryStore } from '../store/memory.ts'
import { NOON, queryOf, SECOND } from '../store/records.ts'
import { drawnLines, type PlainEvent, plainEvents, recordsOf } from './plain.ts'

const QUERIES = ['', 'one', '-indented', 'level>=warn', 'status:*', 'one u1', 'x OR two']
const LABELS = ['level', 'source', 'service'] as const
const FIELDS = ['status', 'ms', 'user', 'ok'] as const

const asked = fc.record({
  q: fc.constantFrom(...QUERIES),
  from: fc.option(fc.nat(60), { nil: undefined, freq: 1 }),
  examine: fc.constantFrom(1, 3, 1_000),
})

/** What the events say by a name, as queries have it. */
const readers: Record<(typeof LABELS | typeof FIELDS)[number], (event: PlainEvent) => string | undefined> = {
  level: ({ level }) => level || undefined,
  source: ({ source }) => source,
  service: ({ stream }) => stream.service,
  status: ({ fields }) => fieldReader('status')(fields),
  ms: ({ fields }) => fieldReader('ms')(fields),
  user: ({ fields }) => fieldReader('user')(fields),
  ok: ({ fields }) => fieldReader('ok')(fields),
}

/** How many events have each value. */
function counted(events: readonly PlainEvent[], name: keyof typeof readers): Record<string, number> {
  const values = events.flatMap((event) => readers[name](event) ?? [])
  return countsOf(values)
}

function countsOf(values: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(Object.groupBy(values, String)).map(([value, all = []]) => [value, all.length]),
  )
}

/** Answers about the events of a log, and the events that one has who groups the whole log and then looks, the newest first. */
interface Asked {
  readonly ask: <Answer>(path: string) => Promise<Answer>
  readonly all: readonly PlainEvent[]
  /** Those that are examined. */
  readonly newest: readonly PlainEvent[]
}

describe('fields, values, stats and patterns of events', () => {
  const data = new MemoryData()
  let server: TestServer
  beforeAll(async () => {
    server = await serve({ store: new MemoryStore(data), now: () => NOON + 3_600n * SECOND })
  })
  afterAll(() => server.close())
  const checkWith = (check: (asked: Asked) => Promise<void>) =>
    fc.assert(
      fc.asyncProperty(drawnLines, asked, async (drawn, { q, from, examine }) => {
        const records = recordsOf(drawn)
        const since = (from === undefined ? undefined : records[from]?.time) ?? NOON
        const where = parseQuery(q)
        const { filter } = queryOf({}, where.op === 'all' ? {} : { where })
        const events = plainEvents(records).filter((event) => event.time >= since && lineMatches(filter, event))
        data.records.length = 0
        data.groups.clear()
        data.streams.clear()
        await server.context.ingestor.records(records)
        const query = new URLSearchParams({ events: 'true', since: formatTime(since), examine: String(examine) })
        if (q !== '') query.set('q', q)
        const ask = async <Answer>(path: string): Promise<Answer> => {
          const answer = await server.get(`/api/v1/${path}&${query}`)
          expect(answer.status).toBe(200)
          return (await answer.json()) as Answer
        }
        const all = events.toReversed()
        await check({ ask, all, newest: all.slice(0, examine) })
      }),
      { numRuns: 60 },
    )

  it('list the fields that they have', async () => {
    await checkWith(async ({ ask, all, newest }) => {
      const { fields, examined } = await ask<ApiFields>('fields?limit=1000')
      const found = (kind: string, name: string) =>
        fields.find((field) => field.kind === kind && field.name === name)?.records ?? 0
      const having = (events: readonly PlainEvent[], name: keyof typeof readers) =>
        events.filter((event) => readers[name](event) !== undefined).length
      for (const name of LABELS) expect([name, found('label', name)]).toEqual([name, having(all, name)])
      // What is null in a line is a field without a value.
      for (const name of ['status', 'ms', 'ok'] as const)
        expect([name, found('line', name)]).toEqual([name, having(newest, name)])
      expect(examined).toMatchObject({ records: newest.length, limited: newest.length < all.length })
    })
  })

  it('count the values of labels and fields', async () => {
    await checkWith(async ({ ask, all, newest }) => {
      for (const name of [...LABELS, ...FIELDS]) {
        const events = name in { level: 1, source: 1, service: 1 } ? all : newest
        const { values, without } = await ask<ApiValues>(`values?field=${name}`)
        const found = Object.fromEntries(values.map(({ value, records }) => [String(value), records]))
        const expected = counted(events, name)
        expect([name, found]).toEqual([name, expected])
        const total = Object.values(expected).reduce((sum, count) => sum + count, 0)
        expect([name, without]).toEqual([name, events.length - total])
      }
    })
  })

  it('reckon with their numbers', async () => {
    await checkWith(async ({ ask, newest }) => {
      const { groups, skipped } = await ask<ApiStats>('stats?field=ms&by=level&by=user')
      const numbered = newest.filter((event) => numberIn(readers.ms(event) ?? '') !== undefined)
      const keyOf = (event: PlainEvent) => `${readers.level(event) ?? null} ${readers.user(event) ?? null}`
      const found = groups.map(({ by, count, sum }) => [`${by.level} ${by.user}`, count, sum])
      const expected = Object.entries(Object.groupBy(numbered, keyOf)).map(([key, events = []]) => {
        return [key, events.length, events.reduce((sum, event) => sum + Number(readers.ms(event)), 0)]
      })
      expect(found.sort()).toEqual(expected.sort())
      expect(skipped).toBe(newest.filter((event) => readers.ms(event) !== undefined).length - numbered.length)
      const {
        groups: [bytes],
      } = await ask<ApiStats>('stats?field=message.bytes')
      const lengths = newest.map(({ message }) => Buffer.byteLength(message))
      expect(bytes?.sum ?? 0).toBe(lengths.reduce((sum, length) => sum + length, 0))
    })
  })

  it('cluster them by their first lines', async () => {
    await checkWith(async ({ ask, newest }) => {
      const { patterns } = await ask<ApiPatterns>('patterns?limit=1000')
      const expected = new Patterns()
      for (const { lines } of newest)
        for (const line of lines.slice(0, 1)) expected.take({ ...line, received: 0n }, 'now')
      expect(patterns.map(({ pattern, records }) => [pattern, records]).sort()).toEqual(
        expected
          .all()
          .map((pattern) => [patternText(pattern), pattern.now])
          .sort(),
      )
      for (const { example } of patterns) expect(newest.map(({ message }) => message)).toContain(example.message)
    })
  })

  it('are the same that a histogram counts by a field', async () => {
    await checkWith(async ({ ask, all }) => {
      const { buckets } = await ask<ApiHistogram>('histogram?interval=1h&by=user')
      const expected = countsOf(all.map((event) => readers.user(event) ?? ''))
      expect(buckets[0]?.counts ?? {}).toEqual(expected)
    })
  })
})
