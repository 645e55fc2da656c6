import { greater, smaller } from './bigint.ts'
import { AHEAD, MAX_TIME, MIN_TIME } from './schema.ts'
import type { Part, Place } from './selection.ts'
import type { Slice } from './slices.ts'

/** What a query asks beyond its streams and its slice. */
export interface Conditions {
  readonly since: bigint
  readonly until: bigint
  /** Stored numbers of the sources; empty means all. */
  readonly sources: readonly number[]
  /** Whether the text `$1` must be in the message, case-insensitive. */
  readonly hasGrep: boolean
  readonly receivedAfter?: bigint | undefined
  readonly receivedUpTo: bigint
  readonly after?: Place | undefined
  /** Only lines at or behind the cuts in the table of chosen streams. */
  readonly hasCuts: boolean
}

/** Columns that give a line its place. */
const PLACE = ['l.time AS time', 'c.rank AS rank', 'l.source AS source', 'l.ordinal AS ordinal']

/** The lines of a slice with the columns asked for, in total order. */
export function linesSql(
  slice: Slice,
  conditions: Conditions,
  columns: readonly string[],
  walk: { readonly order: 'asc' | 'desc'; readonly limit?: number | undefined },
): string {
  const direction = walk.order === 'asc' ? 'ASC' : 'DESC'
  const order = ['time', 'rank', 'source', 'ordinal'].map((name) => `${name} ${direction}`).join(', ')
  const inSlice = (part: Part): string[] => [
    ...timeRange(part, 'l.time', greater(slice.from, conditions.since), smaller(slice.to, conditions.until)),
    ...(conditions.after === undefined ? [] : [behind(conditions.after, walk.order)]),
    ...(conditions.hasCuts ? [atCut(part)] : []),
  ]
  const selects = slice.parts.map((part) =>
    select(part, [...PLACE, ...columns], [...inSlice(part), ...common(part, conditions)]),
  )
  const limit = walk.limit === undefined ? '' : ` LIMIT ${walk.limit}`
  return `${selects.join(' UNION ALL ')} ORDER BY ${order}${limit}`
}

/**
 * Of the newest `limit` lines of a slice: how many there are, and the place of the oldest. The slice is one of arrival times (see
 * `Walk.byArrival`); with `task` only that task's lines count.
 */
export function newestSql(slice: Slice, conditions: Conditions, limit: number, task?: number): string {
  const selects = slice.parts.map((part) => {
    const inSlice = [
      `l.time >= ${big(slice.from)}`,
      ...(part.ahead === undefined ? [] : [`${arrival(part)} >= ${big(slice.from)}`]),
      `${arrival(part)} < ${big(slice.to)}`,
      ...timeRange(part, 'l.time', conditions.since, conditions.until),
      ...(task === undefined ? [] : [`c.task = ${task}`]),
    ]
    const columns = [`${arrival(part)} AS arrival`, 'c.rank AS rank', 'l.source AS source', 'l.ordinal AS ordinal']
    return select(part, columns, [...inSlice, ...common(part, conditions)])
  })
  const order = 'arrival DESC, rank DESC, source DESC, ordinal DESC'
  const newest = `SELECT * FROM (${selects.join(' UNION ALL ')}) ORDER BY ${order} LIMIT ${limit}`
  const oldest = ['arrival', 'rank', 'source', 'ordinal'].map((name) => `p.${name}`).join(', ')
  return (
    `SELECT n, ${oldest} FROM (SELECT count(*) AS n, min(struct_pack(arrival := arrival, rank := rank, source := source, ` +
    `ordinal := ordinal)) AS p FROM (${newest}))`
  )
}

function select(part: Part, columns: readonly string[], where: readonly string[]): string {
  return (
    `SELECT ${columns.join(', ')} FROM ${part.segment.database}.lines l ` +
    `JOIN chosen c ON c.part = ${part.index} AND c.stream = l.stream WHERE ${where.join(' AND ') || 'true'}`
  )
}

function common(part: Part, conditions: Conditions): string[] {
  const { sources, hasGrep, receivedAfter, receivedUpTo } = conditions
  return [
    ...(sources.length === 0 ? [] : [`l.source IN (${sources.join(', ')})`]),
    ...(receivedAfter === undefined ? [] : [`l.received > ${big(receivedAfter)}`]),
    // The segment may have grown since the search began; where it has not, the column need not be read.
    ...(part.segment.received <= receivedUpTo ? [] : [`l.received <= ${big(receivedUpTo)}`]),
    ...(hasGrep ? ['contains(lower(l.message), lower($1))'] : []),
  ]
}

/** The range [from, to) of a column, leaving out what the part's own range says already. */
function timeRange(part: Part, column: string, from: bigint, to: bigint): string[] {
  return [
    ...(from > part.first ? [`${column} >= ${big(from)}`] : []),
    // Above, the segment may have grown since.
    `${column} < ${big(to)}`,
  ]
}

function behind({ time, rank, source, ordinal }: Place, order: 'asc' | 'desc'): string {
  const than = order === 'asc' ? '>' : '<'
  return (
    `(l.time ${than} ${big(time)} OR (l.time = ${big(time)} AND (c.rank ${than} ${rank} OR (c.rank = ${rank} AND ` +
    `(l.source ${than} ${source} OR (l.source = ${source} AND l.ordinal ${than} ${ordinal}))))))`
  )
}

function atCut(part: Part): string {
  const time = arrival(part)
  return (
    `(c.cut_time IS NULL OR ${time} > c.cut_time OR (${time} = c.cut_time AND (c.rank > c.cut_rank OR (c.rank = c.cut_rank AND ` +
    '(l.source > c.cut_source OR (l.source = c.cut_source AND l.ordinal >= c.cut_ordinal))))))'
  )
}

/** The time that counts for "the newest". */
function arrival(part: Part): string {
  return part.ahead === undefined ? 'l.time' : `(CASE WHEN (l.flags & ${AHEAD}) <> 0 THEN l.received ELSE l.time END)`
}

/** A 64-bit integer as SQL takes it; without the cast a negative one could be taken for a wider type. */
function big(value: bigint): string {
  return `${greater(MIN_TIME, smaller(MAX_TIME, value))}::BIGINT`
}
