import { formatTime } from '../../../shared/time.ts'
import { checkGrep, looksAtLines } from '../../query/filter.ts'
import type { Scope } from '../../query/query.ts'
import { Histogram, type HistogramBucket, type HistogramKey, type HistogramWish, streamKey } from '../histogram.ts'
import { begin, failed } from './begin.ts'
import { PLACE_MEMBERS, storedTime } from './documents.ts'
import { type Found, find, type Running } from './finding.ts'
import { MAX_KEYWORD } from './mapping.ts'
import type { Parts } from './parts.ts'
import { certainClauses, clausesOf, doubtfulClause } from './sieve.ts'
import type { Entry } from './streams.ts'

const NS_PER_MS = 1_000_000n
/** Counts of one answer; with more there is a next one. */
const PAGE = 10_000
/** Values of one `terms` query, well below what Elasticsearch takes. */
const MAX_TERMS = 10_000

/** Times before 1970 stand in a field of their own. */
const IS_BEFORE_1970 = { exists: { field: 'swarmlogs.before_1970' } }

/** Where lines have what they can be counted by. */
const FIELDS: Readonly<Record<Exclude<HistogramKey, 'none'>, string>> = {
  level: 'log.level',
  source: 'log.iostream',
  service: 'service.name',
  node: 'host.name',
  stack: 'docker.swarm.stack.name',
  task: 'docker.swarm.task.name',
  slot: 'docker.swarm.task.slot',
  container: 'container.name',
  image: 'container.image.name',
  tag: 'tag',
}

interface Total {
  readonly hits?: { readonly total: { readonly value: number } }
  readonly aggregations?: { readonly doubtful: { readonly doc_count: number } }
}

interface Answer {
  readonly aggregations?: {
    readonly counts: {
      readonly after_key?: object
      readonly buckets: readonly {
        readonly key: { readonly time: number; readonly key?: string | number | null }
        readonly doc_count: number
      }[]
    }
  }
}

/** How many lines a scope has; see Store. */
export async function count(parts: Parts, scope: Scope, signal?: AbortSignal): Promise<number> {
  let total = 0
  await tally(parts, scope, signal, async (running) => {
    const scanned = async (among: Running): Promise<void> => {
      for await (const found of scan(among, [], [])) total += found.length
    }
    if (!running.sieve.isExact) return scanned(running)
    const counted = await countAll(running)
    total += counted.certain
    if (counted.doubtful > 0) await scanned(doubtful(running))
  })
  return total
}

/** The lines of a scope by time; see Store. */
export async function histogram(
  parts: Parts,
  scope: Scope,
  wish: HistogramWish,
  signal?: AbortSignal,
): Promise<HistogramBucket[]> {
  const result = new Histogram(wish)
  await tally(parts, scope, signal, async (running, entries) => {
    const { sieve, hasOdd } = running
    if (!sieve.isExact || !canAggregate(wish, entries)) return gather(running, wish, [], result)
    const counted = certain(running)
    await Promise.all([
      aggregate(counted, wish, result),
      hasOdd && gather(counted, wish, [IS_BEFORE_1970], result),
      sieve.doubts.length > 0 && gather(doubtful(running), wish, [], result),
    ])
    if (beginsBehind(wish)) await moveFirst(counted, wish, result)
  })
  return result.buckets()
}

/** Has work done on what the scope is about. */
export async function tally(
  parts: Parts,
  scope: Scope,
  signal = new AbortController().signal,
  work: (running: Running, entries: Iterable<Entry>) => Promise<void>,
): Promise<void> {
  checkGrep(scope.filter)
  const leave = await parts.gate.enter(signal)
  try {
    // A page of the scope may have ended somewhere, but all of it counts.
    const begun = await begin(parts, { ...scope, after: undefined }, signal)
    if (begun !== undefined) await work(begun.running, begun.entries)
    signal.throwIfAborted()
  } catch (error) {
    signal.throwIfAborted()
    throw failed(error)
  } finally {
    leave()
  }
}

/** Only the lines of which the index says all. */
export function certain(running: Running): Running {
  return { ...running, filters: [...running.outer, ...certainClauses(running.sieve)] }
}

/** Only the lines in doubt: they are few, and each is looked at. */
export function doubtful(running: Running): Running {
  return { ...running, filters: [...running.outer, doubtfulClause(running.sieve)] }
}

/** How many lines there are of which the index says all, and how many in doubt; these are rare, and are asked for only then. */
async function countAll(running: Running): Promise<{ certain: number; doubtful: number }> {
  const { parts, indices, outer, sieve, signal } = running
  const hasDoubts = sieve.doubts.length > 0
  const { hits, aggregations } = await parts.requests.send<Total>('POST', `/${indices.join(',')}/_search`, {
    body: {
      ...{ size: 0, track_total_hits: true, query: { bool: { filter: [...outer, ...clausesOf(sieve)] } } },
      ...(hasDoubts && { aggs: { doubtful: { filter: doubtfulClause(sieve) } } }),
    },
    query: { filter_path: 'hits.total,aggregations', allow_partial_search_results: false, ignore_unavailable: true },
    signal,
  })
  const doubts = aggregations?.doubtful.doc_count ?? 0
  return { certain: (hits?.total.value ?? 0) - doubts, doubtful: doubts }
}

/** Aggregations count in milliseconds, and labels that are too long to be searched are not in them. */
function canAggregate(wish: HistogramWish, entries: Iterable<Entry>): boolean {
  const { interval, by, origin = 0n } = wish
  if (interval % NS_PER_MS !== 0n || (origin % NS_PER_MS !== 0n && !beginsBehind(wish))) return false
  for (const { stream } of entries) {
    const key = streamKey(stream, by)
    if (key.length > MAX_KEYWORD || !key.isWellFormed()) return false
  }
  return true
}

/** Buckets begin a nanosecond behind a millisecond: they have the end of their time, and not its begin. */
function beginsBehind({ interval, origin = 0n }: HistogramWish): boolean {
  return origin % NS_PER_MS === 1n && interval > NS_PER_MS
}

/** Moves the lines of the very begin of each millisecond-aligned bucket to the bucket before, where they belong when buckets begin just behind. */
async function moveFirst(running: Running, wish: HistogramWish, result: Histogram): Promise<void> {
  const { by, interval, origin = 0n } = wish
  const times = result.buckets().map(({ start }) => start - 1n)
  // No field of times takes one before 1970, and no bucket before it came from there.
  const starts = times.filter((time) => time >= 0n).map(formatTime)
  for (let at = 0; at < starts.length; at += MAX_TERMS) {
    const isFirst = { terms: { '@timestamp': starts.slice(at, at + MAX_TERMS) } }
    for await (const found of scan(running, [isFirst], by === 'level' ? ['log.level'] : [])) {
      for (const one of found) {
        const time = storedTime(one.hit._source)
        if (time < 0n || (time + 1n - origin) % interval !== 0n) continue
        result.add(time + 1n, keyOf(one, by), -1)
        result.add(time, keyOf(one, by), 1)
      }
    }
  }
}

async function aggregate(running: Running, wish: HistogramWish, result: Histogram): Promise<void> {
  const { interval, by, origin = 0n } = wish
  const { parts, indices, filters, hasOdd, signal } = running
  const offset = `${origin / NS_PER_MS}ms`
  const time = { date_histogram: { field: '@timestamp', fixed_interval: `${interval / NS_PER_MS}ms`, offset } }
  const key = by === 'none' ? [] : [{ key: { terms: { field: FIELDS[by], missing_bucket: true } } }]
  const query = { bool: { filter: filters, ...(hasOdd && { must_not: [IS_BEFORE_1970] }) } }
  for (let after: object | undefined; ; ) {
    const composite = { size: PAGE, sources: [{ time }, ...key], ...(after && { after }) }
    const { aggregations } = await parts.requests.send<Answer>('POST', `/${indices.join(',')}/_search`, {
      body: { size: 0, track_total_hits: false, query, aggs: { counts: { composite } } },
      query: { filter_path: 'aggregations', allow_partial_search_results: false, ignore_unavailable: true },
      signal,
    })
    const { buckets = [], after_key } = aggregations?.counts ?? {}
    for (const bucket of buckets)
      result.add(
        BigInt(bucket.key.time) * NS_PER_MS + (origin % NS_PER_MS),
        String(bucket.key.key ?? ''),
        bucket.doc_count,
      )
    if (after_key === undefined || buckets.length < PAGE) return
    after = after_key
  }
}

/** Counts lines one by one. */
async function gather(
  running: Running,
  { by }: HistogramWish,
  filters: readonly object[],
  result: Histogram,
): Promise<void> {
  for await (const found of scan(running, filters, by === 'level' ? ['log.level'] : []))
    for (const one of found) result.add(storedTime(one.hit._source), keyOf(one, by), 1)
}

/** All lines of a search, with what gives them their places and `more`. */
export function scan(
  running: Running,
  filters: readonly object[],
  more: readonly string[],
): AsyncGenerator<readonly Found[]> {
  const text = looksAtLines(running.filter) ? ['message', 'swarmlogs.long'] : []
  const members = [...PLACE_MEMBERS, ...text, ...more]
  return find(running, { order: 'asc', filters, members, wanted: Number.POSITIVE_INFINITY })
}

function keyOf({ hit: { _source }, entry }: Found, by: HistogramKey): string {
  if (by === 'level') return _source['log.level'] ?? ''
  return by === 'source' ? _source['log.iostream'] : streamKey(entry.stream, by)
}
