import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { searchEvents } from '../../../server/events/search.ts'
import { startsOf } from '../../../server/events/start.ts'
import { lineMatches } from '../../../server/query/filter.ts'
import type { Query } from '../../../server/query/query.ts'
import { parseQuery } from '../../../shared/query/parse.ts'
import { type LogRecord, positionOf, type StoredRecord } from '../../../shared/record.ts'
import { Events, messagesOf } from '../events.ts'
import { serve } from '../serve.ts'
import { MemoryStore } from '../store/memory.ts'
import { NOON, queryOf } from '../store/records.ts'
import { type Drawn, drawnLines, plainEvents, recordsOf } from './plain.ts'

const QUERIES = [
  ...['', 'one', 'indented', '-one', 'x OR two', 'level:error', 'one two', '-level:error "at x"', 'no gone'],
  ...['status:404', '-status:* indented', 'status<300 ms:*'],
]

interface AskedEvents {
  readonly q: string
  readonly order: 'asc' | 'desc'
  /** Lines of which the times are the range that is asked about. */
  readonly from: number | undefined
  readonly to: number | undefined
  readonly newest: number | undefined
  readonly page: number
}

const keyOf = ({ time, message, level, source, stream, fields }: LogRecord) => {
  return [time, message, level, source, stream.service, fields === '' ? {} : JSON.parse(fields)]
}

describe('searchEvents', () => {
  it('answers as one who groups the whole log and then looks', async () => {
    const asked = fc.record({
      q: fc.constantFrom(...QUERIES),
      order: fc.constantFrom('asc' as const, 'desc' as const),
      from: fc.option(fc.nat(60), { nil: undefined, freq: 1 }),
      to: fc.option(fc.nat(60), { nil: undefined, freq: 1 }),
      newest: fc.option(fc.nat(5), { nil: undefined, freq: 1 }),
      page: fc.integer({ min: 1, max: 10 }),
    })
    const check = async (drawn: readonly Drawn[], { q, order, from, to, newest, page }: AskedEvents) => {
      const all = recordsOf(drawn)
      const store = new MemoryStore()
      await store.append(all)
      const where = parseQuery(q)
      const since = from === undefined ? undefined : all[from]?.time
      const until = to === undefined ? undefined : all[to]?.time
      const range = { ...(since !== undefined && { since }), ...(until !== undefined && { until }) }
      const query = queryOf(
        { order, ...range, ...(newest !== undefined && { newest }) },
        where.op === 'all' ? {} : { where },
      )
      const wanted = plainEvents(all).filter(
        (event) =>
          (since === undefined || event.time >= since) &&
          (until === undefined || event.time < until) &&
          lineMatches(query.filter, event),
      )
      const chosen = newest === undefined ? wanted : newest === 0 ? [] : wanted.slice(-newest)
      const expected = order === 'asc' ? chosen : chosen.toReversed()
      expect((await paged(store, query, page)).map(keyOf)).toEqual(expected.map(keyOf))
    }
    await fc.assert(fc.asyncProperty(drawnLines, asked, check), { numRuns: 400 })
  })
})

describe('followEvents', () => {
  it('tells the same events, whenever it begins while lines come in', async () => {
    const check = async (drawn: readonly Drawn[], beginsAt: number, size: number) => {
      const all = recordsOf(drawn)
      const server = await serve({ timing: { quietMs: 600_000 } })
      const client = new Events(`${server.url}/api/v1/tail?events=true&since=${NOON / 1_000_000_000n - 1n}`)
      for (let at = 0; at < all.length; at += size) {
        if (at >= beginsAt) await client.response()
        await server.context.ingestor.records(all.slice(at, at + size))
      }
      await client.response()
      await expect.poll(() => server.context.live.size).toBe(1)
      server.context.live.close()
      const told = messagesOf(await client.until('never'))
      await server.close()
      // Lines of one time come as they were committed.
      expect(told.sort()).toEqual(
        plainEvents(all)
          .map(({ message }) => message)
          .sort(),
      )
    }
    await fc.assert(fc.asyncProperty(drawnLines, fc.nat(60), fc.integer({ min: 1, max: 20 }), check), { numRuns: 15 })
  }, 30_000)
})

/** All events that a query finds, page by page. */
async function paged(store: MemoryStore, query: Query, limit: number): Promise<StoredRecord[]> {
  const found: StoredRecord[] = []
  for (;;) {
    const last = found.at(-1)
    const after = last === undefined ? {} : { after: positionOf(last) }
    const before = found.length
    for await (const batch of searchEvents(
      { search: store.search.bind(store), startOf: startsOf(() => undefined) },
      { ...query, ...after, limit },
      new AbortController().signal,
    ))
      found.push(...batch)
    if (found.length - before < limit) return found
  }
}
