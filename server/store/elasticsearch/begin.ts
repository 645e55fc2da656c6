import { SwarmlogsError } from '../../../shared/errors.ts'
import { streamMatches } from '../../query/filter.ts'
import type { Filter, Query, Scope } from '../../query/query.ts'
import { greater, smaller } from '../bigint.ts'
import { unavailable } from '../unavailable.ts'
import { choosesStreams, filtersOf, streamsClause, wideClauses } from './dsl.ts'
import { messageOf } from './failure.ts'
import type { Running } from './finding.ts'
import { textSieve } from './grep.ts'
import { timesOfDay } from './names.ts'
import type { Parts } from './parts.ts'
import { allOf, clausesOf, type Sieve } from './sieve.ts'
import type { Entry } from './streams.ts'
import { MAX_TIME, MIN_TIME } from './times.ts'
import { whereSieve } from './where.ts'

/** More names would make the path of a request too long; patterns stand for them. */
const MAX_NAMES = 100

/** What a search works on, and the streams that it is about. */
export interface Begun {
  readonly running: Running
  readonly entries: Iterable<Entry>
}

/** Makes all that was committed until now visible, and finds where the lines of a scope may be; undefined when they are nowhere. */
export async function begin(
  parts: Parts,
  scope: Scope & Partial<Query>,
  signal: AbortSignal,
): Promise<Begun | undefined> {
  parts.claim.check()
  const receivedUpTo = smaller(
    scope.receivedUpTo ?? MAX_TIME,
    greater(parts.writer.lastReceived, parts.others.observed),
  )
  await parts.others.see()
  const chosen = choose(parts, scope)
  const indices = indicesOf(parts, scope)
  if (signal.aborted || indices.length === 0 || chosen?.length === 0) return undefined
  await parts.freshness.see(indices)
  const sieve = sieveOf(scope.filter, chosen ?? [])
  const common = filtersOf(scope, receivedUpTo)
  const ids = chosen?.map(({ id }) => id)
  const wide = chosen && wideClauses(chosen, [...parts.streams.entries()])
  const outer = [...common, ...(ids === undefined ? [] : [streamsClause(ids)])]
  const filters = [...(wide === undefined ? outer : [...common, ...wide]), ...clausesOf(sieve)]
  const hasOdd = indices.some((index) => parts.names.parse(index)?.kind === 'odd')
  const paths = indices.length <= MAX_NAMES ? indices : allBut(parts)
  const only = wide && new Set(ids)
  const running = { parts, filter: scope.filter, indices: paths, hasOdd, outer, filters, only, sieve, signal }
  return { running, entries: chosen ?? parts.streams.entries() }
}

/** The error of a search that could not be done. */
export function failed(error: unknown): unknown {
  return error instanceof SwarmlogsError ? error : unavailable(`search now: ${messageOf(error)}`, error)
}

/** What the index says about the filter's `grep` and `where`. */
function sieveOf({ grep, where }: Filter, entries: readonly Entry[]): Sieve {
  const sieves = [
    ...(grep === '' ? [] : [textSieve(grep)]),
    ...(where === undefined ? [] : [whereSieve(where, entries)]),
  ]
  return allOf(sieves)
}

/** The streams that the filter takes; undefined when it takes all. */
function choose({ streams }: Parts, { filter }: Scope): Entry[] | undefined {
  if (!choosesStreams(filter)) return undefined
  return [...streams.entries()].filter(({ stream }) => streamMatches(filter, stream))
}

function allBut({ names, indices }: Parts): string[] {
  return [...names.allLines, ...indices.hidden.map((index) => `-${index}`)]
}

/** The indices that may hold lines of the time asked for. Which lines are the newest does not depend on where a page ended. */
function indicesOf({ indices, names }: Parts, query: Scope & Partial<Query>): string[] {
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
