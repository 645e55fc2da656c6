import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eachEvent } from '../../../server/events/count.ts'
import type { EventRecord } from '../../../server/events/record.ts'
import { searchEvents } from '../../../server/events/search.ts'
import type { Query } from '../../../server/query/query.ts'
import { type LogRecord, positionOf } from '../../../shared/record.ts'
import { MemoryStore } from '../store/memory.ts'
import { API, NOON, queryOf, recordOf, SECOND, WEB } from '../store/records.ts'

const MS = 1_000_000n
const { signal } = new AbortController()

/** How events are asked for. */
interface Asked {
  readonly page: number
  /** After how long from the first line a range begins or ends. */
  readonly cutMs: number
}

describe('events of lines that all go on', () => {
  it('are the same for all who read them', async () => {
    const pauses = fc.array(fc.constantFrom(0, 1, 40, 700, 2_000, 4_999, 9_000), { maxLength: 120, size: 'max' })
    const asked = fc.record({ page: fc.integer({ min: 1, max: 9 }), cutMs: fc.nat(90_000) })
    const check = async (drawn: readonly number[], how: Asked, base: bigint) => {
      let time = base
      const records = drawn.map((pauseMs, index) => {
        time += BigInt(pauseMs) * MS
        return recordOf(index % 3 === 0 ? API : WEB, { message: ` ${index}`, time })
      })
      await areSame(records, how)
    }
    const base = fc.bigInt({ min: NOON - 9n * SECOND, max: NOON })
    await fc.assert(fc.asyncProperty(pauses, asked, base, check), { numRuns: 150 })
  })

  it('are the same where they end after so many lines', async () => {
    const records = Array.from({ length: 14_000 }, (_, index) =>
      recordOf(WEB, { message: index === 500 ? 'begun' : ` ${index}`, time: NOON + BigInt(index) * 2n * MS }),
    )
    await areSame(records, { page: 7, cutMs: 12_345 })
  })

  it('end by the clock', async () => {
    const at = (time: bigint) => recordOf(WEB, { message: ` ${time}`, time })
    for (const base of [NOON, 0n]) {
      const store = await storeOf([-5n, -4n, 0n, 1n, 4n, 5n, 7n].map((second) => at(base + second * SECOND)))
      const events = await found(store, { order: 'asc' })
      expect(events.map(({ lines }) => lines.length)).toEqual([2, 3, 2])
    }
  })
})

async function areSame(records: readonly LogRecord[], { page, cutMs }: Asked): Promise<void> {
  const store = await storeOf(records)
  const all = textsOf(await found(store, { order: 'asc' }))
  expect(linesIn(all).sort()).toEqual(records.map(({ message }) => message).sort())
  expect(textsOf(await paged(store, { order: 'asc', limit: page }))).toEqual(all)
  expect(textsOf(await paged(store, { order: 'desc', limit: page })).reverse()).toEqual(all)
  const newest = textsOf(await found(store, { order: 'asc', newest: page }))
  expect(newest).toEqual(all.slice(-page))
  const cut = NOON + BigInt(cutMs) * MS
  const parts: EventRecord[] = []
  for (const range of [{ until: cut }, { since: cut, until: cut + SECOND }, { since: cut + SECOND }])
    await eachEvent(linesOf(store), { ...queryOf({}), ...range }, signal, (event) => parts.push(event))
  expect(textsOf(parts)).toEqual(all)
}

async function storeOf(records: readonly LogRecord[]): Promise<MemoryStore> {
  const store = new MemoryStore()
  await store.append(records.map((record, ordinal) => ({ ...record, ordinal })))
  return store
}

const linesOf = (store: MemoryStore) => ({ search: store.search.bind(store), startOf: () => undefined })
const textsOf = (events: readonly EventRecord[]) => events.map(({ message }) => message)
const linesIn = (texts: readonly string[]) => texts.flatMap((text) => text.split('\n'))

async function found(store: MemoryStore, query: Partial<Query>): Promise<EventRecord[]> {
  const events: EventRecord[] = []
  for await (const batch of searchEvents(linesOf(store), queryOf(query), signal)) events.push(...batch)
  return events
}

/** All events, page by page. */
async function paged(store: MemoryStore, query: Partial<Query> & { readonly limit: number }): Promise<EventRecord[]> {
  const events: EventRecord[] = []
  for (;;) {
    const last = events.at(-1)
    const next = await found(store, { ...query, ...(last && { after: positionOf(last) }) })
    events.push(...next)
    if (next.length < query.limit) return events
  }
}
