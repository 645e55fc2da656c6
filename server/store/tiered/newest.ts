import { comparePositions, type LogStream, positionOf, type StoredRecord } from '../../../shared/record.ts'
import { streamMatches } from '../../query/filter.ts'
import type { Query } from '../../query/query.ts'
import { greater } from '../bigint.ts'
import type { Store } from '../store.ts'
import type { ArchiveReader } from './archive-reader.ts'
import { belongs, findCuts } from './cuts.ts'
import { merge, type Walk } from './merge.ts'
import { type Arrival, arrivalOf, compareArrivals, compareRecords, groupOf } from './order.ts'

/** Up to so many of the newest lines of either store are held and sorted; of more only the places are found, and they are read again. */
const MAX_HELD = 10_000

/** A question about the newest lines, of all or of each task. */
type Newest = Query & { readonly newest: number }

/** What the hot store has of one group. */
interface Group {
  records: number
  /** The oldest arrival among them. */
  oldest: Arrival
}

/** The newest lines of both stores, in the query's order, `limit` not yet applied. The archive is asked about groups only that it can have such lines of. */
export async function* searchNewest(
  hot: Pick<Store, 'search'>,
  archive: ArchiveReader,
  query: Newest,
  signal?: AbortSignal,
): AsyncGenerator<readonly StoredRecord[]> {
  const { after: _after, limit: _limit, ...whole } = query
  const held: StoredRecord[] = []
  const groups = new Map<string, Group>()
  for await (const batch of hot.search({ ...whole, order: 'desc' }, signal)) {
    for (const record of batch) count(groups, record, query)
    if (held.length <= MAX_HELD) held.push(...batch)
  }
  const accepts = await wantedOf(archive, groups, query)
  if (signal?.aborted) return
  if (held.length > MAX_HELD) {
    yield* accepts === undefined ? hot.search(query, signal) : searchMany(hot, archive, { query, accepts }, signal)
    return
  }
  if (accepts !== undefined) {
    for await (const batch of archive.search(accepting({ ...whole, order: 'desc' }, accepts), signal)) {
      held.push(...batch)
      if (held.length > 2 * MAX_HELD) return yield* searchMany(hot, archive, { query, accepts }, signal)
    }
  }
  if (!signal?.aborted) yield behind(sorted(chosen(held, query), query), query)
}

/** Walks both twice: from the newest line back for where the newest begin, then for the lines. */
async function* searchMany(
  hot: Pick<Store, 'search'>,
  archive: ArchiveReader,
  { query, accepts }: { query: Newest; accepts: (stream: LogStream) => boolean },
  signal?: AbortSignal,
): AsyncGenerator<readonly StoredRecord[]> {
  const { after: _after, limit: _limit, ...whole } = query
  const { order, newest, perTask = false } = query
  const both = (asked: Query): Walk =>
    merge(
      hot.search(asked, signal),
      () => archive.search(accepting(asked, accepts), signal),
      asked.order,
      () => false,
    )
  const cuts = await findCuts(both({ ...whole, order: 'desc' }), newest, perTask)
  const { limit: _, ...rest } = query
  for await (const batch of both({ ...rest, order })) yield batch.filter((record) => belongs(record, cuts, perTask))
}

function count(groups: Map<string, Group>, record: StoredRecord, { perTask = false }: Newest): void {
  const key = groupOf(record, perTask)
  const arrival = arrivalOf(record)
  const group = groups.get(key)
  if (group === undefined) {
    groups.set(key, { records: 1, oldest: arrival })
    return
  }
  group.records++
  if (compareArrivals(arrival, group.oldest) < 0) group.oldest = arrival
}

/** Of which streams the archive may have lines that are among the newest; undefined when there are none. A line's arrival is never behind its time. */
async function wantedOf(
  archive: ArchiveReader,
  groups: ReadonlyMap<string, Group>,
  { filter, newest, perTask = false, since }: Newest,
): Promise<((stream: LogStream) => boolean) | undefined> {
  const last = new Map<string, bigint>()
  for (const summary of await archive.streams()) {
    if (!streamMatches(filter, summary.stream)) continue
    const key = groupOf(summary, perTask)
    last.set(key, greater(last.get(key) ?? summary.last, summary.last))
  }
  const wanted = new Set<string>()
  for (const [key, time] of last) {
    const group = groups.get(key)
    const isFull = group !== undefined && group.records >= newest && group.oldest.time > time
    if (!isFull && (since === undefined || time >= since)) wanted.add(key)
  }
  return wanted.size === 0 ? undefined : (stream) => wanted.has(groupOf({ stream }, perTask))
}

function accepting(query: Query, accepts: (stream: LogStream) => boolean): Query {
  const { filter } = query
  const both = (stream: LogStream): boolean => accepts(stream) && (filter.accepts?.(stream) ?? true)
  return { ...query, filter: { ...filter, accepts: both } }
}

/** The newest of each group. */
function chosen(records: readonly StoredRecord[], { newest, perTask = false }: Newest): StoredRecord[] {
  const counts = new Map<string, number>()
  return byAge(records).filter((record) => {
    const key = groupOf(record, perTask)
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    return count <= newest
  })
}

/** The newest arrival first, each record once: a day that is just moving is in both. */
function byAge(records: readonly StoredRecord[]): StoredRecord[] {
  const arrived = records.map((record) => ({ record, arrival: arrivalOf(record) }))
  arrived.sort((a, b) => compareArrivals(b.arrival, a.arrival))
  return arrived
    .map(({ record }) => record)
    .filter((record, index, all) => {
      const before = all[index - 1]
      return before === undefined || compareRecords(before, record) !== 0
    })
}

function sorted(records: StoredRecord[], { order }: Newest): StoredRecord[] {
  const sign = order === 'asc' ? 1 : -1
  return records.sort((a, b) => sign * compareRecords(a, b))
}

function behind(records: StoredRecord[], { order, after }: Newest): readonly StoredRecord[] {
  if (after === undefined) return records
  const sign = order === 'asc' ? 1 : -1
  return records.filter((record) => sign * comparePositions(positionOf(record), after) > 0)
}
