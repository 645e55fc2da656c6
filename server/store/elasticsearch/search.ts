import { SwarmlogsError } from '../../../shared/errors.ts'
import { comparePositions, type StoredRecord } from '../../../shared/record.ts'
import { streamMatches } from '../../query/filter.ts'
import { MAX_GREP_CHARS, type Query } from '../../query/query.ts'
import { type Arrival, arrivalOf, isAtCut, positionOfSource } from './arrivals.ts'
import { recordOf, type Source } from './documents.ts'
import { choosesStreams, filtersOf, sinceClauses, sortValuesOf, streamsClause } from './dsl.ts'
import { messageOf, unavailable } from './failure.ts'
import { type Found, find, type Running } from './finding.ts'
import { timesOfDay } from './names.ts'
import { findCuts, type Group, groupsOf, newestLines } from './newest.ts'
import type { Hit } from './pages.ts'
import type { Parts } from './parts.ts'
import { type Entry, taskKey } from './streams.ts'
import { clampTime, greater, MAX_TIME, MIN_TIME, smaller } from './times.ts'
import { wholeLines } from './whole.ts'

const TOO_LONG = `cannot search for a text of over ${MAX_GREP_CHARS} characters: search for a part of it`

/** Up to so many of the newest lines are read in one go and sorted here. */
const MAX_QUICK = 10_000
/** Groups whose beginnings Elasticsearch is told; with more it reads what lies behind the first, and the rest is left out here. */
const MAX_CUT_CLAUSES = 200
/** More names would make the path of a request too long; patterns stand for them. */
const MAX_NAMES = 100

/**
 * Walks the lines that a query asks for, in order. Sees what was committed when it began. Throws when lines expire that it still needs; ends when
 * the signal aborts. `members` are those of the documents that the caller has a use for.
 */
export async function* search(
  parts: Parts,
  query: Query,
  members: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): AsyncGenerator<readonly StoredRecord[]> {
  if (query.filter.grep.length > MAX_GREP_CHARS) throw new SwarmlogsError('SWARMLOGS_LIMIT', TOO_LONG)
  const leave = await parts.gate.enter()
  try {
    const receivedUpTo = smaller(
      query.receivedUpTo ?? MAX_TIME,
      greater(parts.writer.lastReceived, parts.others.observed),
    )
    await parts.others.see()
    const chosen = choose(parts, query)
    const indices = indicesOf(parts, query)
    if (signal.aborted || indices.length === 0 || chosen?.length === 0 || query.newest === 0) return
    await parts.freshness.see(indices)
    const filters = filtersOf(
      query,
      receivedUpTo,
      chosen?.map(({ id }) => id),
    )
    const hasOdd = indices.some((index) => parts.names.parse(index)?.kind === 'odd')
    const paths = indices.length <= MAX_NAMES ? indices : parts.names.allLines
    const running: Running = { parts, query, indices: paths, hasOdd, filters, signal }
    for await (const found of limited(answer(running, chosen ?? parts.streams.entries(), members), query.limit)) {
      yield* records(running, found)
    }
  } catch (error) {
    if (signal.aborted) return
    throw error instanceof SwarmlogsError ? error : unavailable(`search now: ${messageOf(error)}`, error)
  } finally {
    leave()
  }
}

/** The streams that the filter takes; undefined when it takes all. */
function choose({ streams }: Parts, { filter }: Query): Entry[] | undefined {
  if (!choosesStreams(filter)) return undefined
  return [...streams.entries()].filter(({ stream }) => streamMatches(filter, stream))
}

/** The indices that may hold lines of the time asked for. Which lines are the newest does not depend on where a page ended. */
function indicesOf({ indices, names }: Parts, query: Query): string[] {
  const { since = MIN_TIME, until = MAX_TIME, order, newest } = query
  const after = newest === undefined ? query.after : undefined
  const from = order === 'asc' && after !== undefined ? greater(after.time, since) : since
  const to = order === 'desc' && after !== undefined ? smaller(after.time + 1n, until) : until
  return indices.lines.filter((index) => {
    const { kind, day } = names.parse(index) ?? { day: '1970.01.01' }
    const { start, end } = timesOfDay(day)
    return kind === 'odd' || (start < to && end > from)
  })
}

async function* answer(
  running: Running,
  entries: Iterable<Entry>,
  members: readonly string[],
): AsyncGenerator<readonly Found[]> {
  const { query, hasOdd } = running
  const { order, newest, perTask = false, after, limit = Number.POSITIVE_INFINITY } = query
  const groups = newest === undefined ? [] : groupsOf(entries, perTask)
  if (newest !== undefined && newest * groups.length <= MAX_QUICK) {
    yield sorted(await newestLines(running, groups, newest, members), query)
    return
  }
  const cuts = newest === undefined ? new Map<string, Arrival>() : await findCuts(running, groups, newest)
  const course = {
    order,
    filters: cutClauses(groups, cuts),
    members,
    wanted: Math.min(limit, newest === undefined ? limit : newest * groups.length),
    after: after && sortValuesOf({ ...after, time: clampTime(after.time) }, hasOdd),
  }
  for await (const found of find(running, course)) {
    yield cuts.size === 0 ? found : found.filter((one) => belongs(one, cuts, perTask))
  }
}

function sorted(found: Found[], { order, after }: Query): Found[] {
  const sign = order === 'asc' ? 1 : -1
  return found
    .map((one) => ({ one, position: positionOfSource(one.hit._source, one.entry) }))
    .filter(({ position }) => after === undefined || sign * comparePositions(position, after) > 0)
    .sort((a, b) => sign * comparePositions(a.position, b.position))
    .map(({ one }) => one)
}

/** A line's own time is never before that of its arrival: what is older than the cut need not be read. */
function cutClauses(groups: readonly Group[], cuts: ReadonlyMap<string, Arrival>): object[] {
  if (cuts.size === 0) return []
  const oldest = [...cuts.values()].reduce((time, cut) => smaller(time, cut.time), MAX_TIME)
  if (cuts.size === groups.length && (groups.length === 1 || groups.length > MAX_CUT_CLAUSES))
    return sinceClauses(oldest)
  if (groups.length > MAX_CUT_CLAUSES) return []
  const should = groups.map(({ key, streams = [] }) => {
    const cut = cuts.get(key)
    return { bool: { filter: [streamsClause(streams), ...(cut === undefined ? [] : sinceClauses(cut.time))] } }
  })
  return [{ bool: { should } }]
}

function belongs({ hit, entry }: Found, cuts: ReadonlyMap<string, Arrival>, perTask: boolean): boolean {
  return isAtCut(arrivalOf(hit._source, entry), cuts.get(perTask ? taskKey(entry.stream) : ''))
}

async function* limited(
  answer: AsyncGenerator<readonly Found[]>,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly Found[]> {
  let left = limit
  if (left <= 0) return
  for await (const found of answer) {
    if (found.length > 0) yield found.length > left ? found.slice(0, left) : found
    left -= found.length
    if (left <= 0) return
  }
}

async function* records(running: Running, found: readonly Found[]): AsyncGenerator<readonly StoredRecord[]> {
  const { parts, signal } = running
  const entries = new Map(found.map(({ entry }) => [entry.id, entry]))
  const hits = found.map(({ hit }) => hit)
  for await (const whole of wholeLines(parts.requests, hits, signal)) yield whole.map((hit) => toRecord(hit, entries))
}

function toRecord({ _source }: Hit<Source>, entries: ReadonlyMap<string, Entry>): StoredRecord {
  const entry = entries.get(_source['swarmlogs.stream'])
  if (entry === undefined) throw new Error('BUG: a line of a stream that was not looked up')
  return recordOf(_source, entry)
}
