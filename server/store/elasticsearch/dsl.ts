import type { Position } from '../../../shared/record.ts'
import type { Filter, Scope } from '../../query/query.ts'
import { MAX_KEYWORD } from './mapping.ts'
import { type Entry, ownerKey } from './streams.ts'
import { clampTime, MAX_TIME, MIN_TIME, timestampOf } from './times.ts'

/** Terms of one query; an index takes 65,536. */
const MAX_TERMS = 60_000

/** The clauses of a query but for those about what lines say and about streams. */
export function filtersOf({ filter, since, until, receivedAfter }: Scope, receivedUpTo: bigint): object[] {
  const received = { lte: String(receivedUpTo), ...(receivedAfter !== undefined && { gt: String(receivedAfter) }) }
  return [
    { range: { 'swarmlogs.received': received } },
    ...(since === undefined ? [] : sinceClauses(since)),
    ...(until === undefined ? [] : untilClauses(until)),
    ...(filter.sources.length === 0 ? [] : [{ terms: { 'log.iostream': [...filter.sources] } }]),
  ]
}

/** Lines at a time or after it. */
export function sinceClauses(since: bigint): object[] {
  if (since > MAX_TIME) return [{ match_none: {} }]
  if (since > 0n) return [{ range: { '@timestamp': { gte: timestampOf(since) } } }]
  const before = { range: { 'swarmlogs.before_1970': { lt: String(since < MIN_TIME ? MIN_TIME : since) } } }
  return [{ bool: { must_not: [before] } }]
}

/** Lines before a time. */
export function untilClauses(until: bigint): object[] {
  if (until > MAX_TIME) return []
  if (until > 0n) return [{ range: { '@timestamp': { lt: timestampOf(until) } } }]
  return [{ range: { 'swarmlogs.before_1970': { lt: String(until < MIN_TIME ? MIN_TIME : until) } } }]
}

/** Lines of any of the streams. */
export function streamsClause(ids: readonly string[]): object {
  if (ids.length <= MAX_TERMS) return { terms: { 'swarmlogs.stream': ids } }
  const should: object[] = []
  for (let at = 0; at < ids.length; at += MAX_TERMS) should.push(streamsClause(ids.slice(at, at + MAX_TERMS)))
  return { bool: { should } }
}

/**
 * Clauses that take the lines of the chosen streams and of no other that is known: with many ids Elasticsearch first reads all their lines,
 * with a name of a service only those that it needs. Undefined when only the ids tell them.
 */
export function wideClauses(chosen: readonly Entry[], known: readonly Entry[]): object[] | undefined {
  if (chosen.length === known.length) return []
  const names = new Set(chosen.map(({ stream }) => stream.service))
  const isTold = [...names].every((name) => name !== '' && name.length <= MAX_KEYWORD && name.isWellFormed())
  if (!isTold || names.size === chosen.length) return undefined
  const named = known.filter(({ stream }) => names.has(stream.service))
  return named.length === chosen.length ? [{ terms: { 'service.name': [...names] } }] : undefined
}

/** Whether a filter chooses among streams at all. */
export function choosesStreams({ services, stacks, tasks, nodes, containers, accepts, where }: Filter): boolean {
  return (
    accepts !== undefined ||
    where !== undefined ||
    [services, stacks, tasks, nodes, containers].some((names) => names.length > 0)
  )
}

/** The total order; the times before 1970 have a field of their own, which only indices of odd times have. */
export function sortOf(order: 'asc' | 'desc', hasOdd: boolean): object[] {
  return [
    { '@timestamp': { order, format: 'strict_date_optional_time_nanos' } },
    ...(hasOdd ? [{ 'swarmlogs.before_1970': { order, missing: 0 } }] : []),
    { 'swarmlogs.owner': { order } },
    { 'log.iostream': { order } },
    { 'swarmlogs.ordinal': { order } },
  ]
}

/** A place as `search_after` takes it with that order. */
export function sortValuesOf(position: Position, hasOdd: boolean): (string | number)[] {
  const time = clampTime(position.time)
  return [
    timestampOf(time),
    ...(hasOdd ? [time < 0n ? String(time) : '0'] : []),
    ownerKey(position.nodeId, position.containerId),
    position.source,
    position.ordinal,
  ]
}
