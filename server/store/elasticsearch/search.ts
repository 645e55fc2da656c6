import { comparePositions, type StoredRecord } from '../../../shared/record.ts'
import { checkGrep } from '../../query/filter.ts'
import type { Query } from '../../query/query.ts'
import { smaller } from '../bigint.ts'
import { taskKey } from '../labels.ts'
import { type Arrival, arrivalOf, isAtCut, positionOfSource } from './arrivals.ts'
import { begin, failed } from './begin.ts'
import { recordOf, type Source } from './documents.ts'
import { sinceClauses, sortValuesOf, streamsClause } from './dsl.ts'
import { type Found, find, type Running } from './finding.ts'
import { findCuts, type Group, groupsOf, newestLines } from './newest.ts'
import type { Hit } from './pages.ts'
import type { Parts } from './parts.ts'
import type { Entry } from './streams.ts'
import { clampTime, MAX_TIME } from './times.ts'
import { wholeLines } from './whole.ts'

/** Up to so many of the newest lines are read in one go and sorted here. */
const MAX_QUICK = 10_000
/** Groups whose beginnings Elasticsearch is told; with more it reads what lies behind the first, and the rest is left out here. */
const MAX_CUT_CLAUSES = 200

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
  checkGrep(query.filter)
  let leave: (() => void) | undefined
  try {
    leave = await parts.gate.enter(signal)
    const begun = query.newest === 0 ? undefined : await begin(parts, query, signal)
    if (begun === undefined) return
    const { running, entries } = begun
    for await (const found of limited(answer(running, query, entries, members), query.limit)) {
      yield* records(running, found)
    }
  } catch (error) {
    if (signal.aborted) return
    throw failed(error)
  } finally {
    leave?.()
  }
}

async function* answer(
  running: Running,
  query: Query,
  entries: Iterable<Entry>,
  members: readonly string[],
): AsyncGenerator<readonly Found[]> {
  const { hasOdd } = running
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

/** The records of lines that were found. */
export async function* records(running: Running, found: readonly Found[]): AsyncGenerator<readonly StoredRecord[]> {
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
