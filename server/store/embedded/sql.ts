import { greater, smaller } from '../bigint.ts'
import { linesOf, onForms } from './grams/sql.ts'
import { FIELDS, MESSAGE, REST } from './long.ts'
import { AHEAD, MAX_TIME, MIN_TIME } from './schema.ts'
import { MAX_INLINE, type Part, type Place } from './selection.ts'
import type { Slice } from './slices.ts'
import type { LineTexts, Where } from './where.ts'

/** What a query asks beyond its streams and its slice. */
export interface Conditions {
  readonly since: bigint
  readonly until: bigint
  /** Stored numbers of the sources; empty means all. */
  readonly sources: readonly number[]
  /** Whether the text `$2` must be in the message, case-insensitive. */
  readonly hasGrep: boolean
  /** What else must hold. */
  readonly where?: Where | undefined
  /** Only lines received after this; and up to `$1`. */
  readonly receivedAfter?: bigint | undefined
  readonly after?: Place | undefined
  /** Only lines at or behind the cuts, by number of the task. */
  readonly cuts?: ReadonlyMap<number, Place> | undefined
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
  const where = (part: Part): string[] => [
    ...inSlice(part, slice, conditions),
    ...(conditions.after === undefined ? [] : [behind(conditions.after, walk.order)]),
    ...(conditions.cuts === undefined ? [] : [atCut(part)]),
  ]
  const selects = slice.parts.map((part) =>
    select(part, conditions, [...PLACE, ...lineColumns(part), ...columns], where(part), slice),
  )
  const limit = walk.limit === undefined ? '' : ` LIMIT ${walk.limit}`
  return `${selects.join(' UNION ALL ')} ${orderBy(walk.order)}${limit}`
}

/**
 * Of the newest `limit` lines of a slice: how many there are, and the place of the oldest. The slice is one of arrival times (see
 * `Walk.byArrival`); with `task` only that task's lines count.
 */
export function oldestOfNewestSql(slice: Slice, conditions: Conditions, limit: number, task?: number): string {
  const newest = newestSql(slice, conditions, () => PLACE, limit, task)
  const oldest = ['arrival', 'rank', 'source', 'ordinal'].map((name) => `p.${name}`).join(', ')
  return (
    `SELECT n, ${oldest} FROM (SELECT count(*) AS n, min(struct_pack(arrival := arrival, rank := rank, source := source, ` +
    `ordinal := ordinal)) AS p FROM (${newest}))`
  )
}

/** The newest `limit` lines of a slice of arrival times, with the columns asked for, in the order given. */
export function newestLinesSql(
  slice: Slice,
  conditions: Conditions,
  columns: readonly string[],
  walk: { readonly order: 'asc' | 'desc'; readonly limit: number },
): string {
  return `SELECT * EXCLUDE (arrival) FROM (${newestSql(slice, conditions, (part) => [...PLACE, ...lineColumns(part), ...columns], walk.limit)}) ${orderBy(walk.order)}`
}

function newestSql(
  slice: Slice,
  conditions: Conditions,
  columns: (part: Part) => readonly string[],
  limit: number,
  task?: number,
): string {
  const selects = slice.parts.map((part) => {
    const inSlice = [
      `l.time >= ${big(slice.from)}`,
      ...(part.ahead === undefined ? [] : [`${arrival(part)} >= ${big(slice.from)}`]),
      `${arrival(part)} < ${big(slice.to)}`,
      ...timeRange(part, 'l.time', conditions.since, conditions.until),
      ...(task === undefined ? [] : [`c.task = ${task}`]),
    ]
    return select(part, conditions, [...columns(part), `${arrival(part)} AS arrival`], inSlice, slice)
  })
  const order = 'arrival DESC, rank DESC, source DESC, ordinal DESC'
  return `SELECT * FROM (${selects.join(' UNION ALL ')}) ORDER BY ${order} LIMIT ${limit}`
}

function orderBy(order: 'asc' | 'desc'): string {
  const direction = order === 'asc' ? 'ASC' : 'DESC'
  return `ORDER BY ${['time', 'rank', 'source', 'ordinal'].map((name) => `${name} ${direction}`).join(', ')}`
}

/** The columns of every search behind those of the place, in the order of lines.ts. */
function lineColumns(part: Part): string[] {
  // Where no text is in pieces the numbers that find the others need not be read.
  const [stream, long] = part.segment.hasLong ? ['l.stream', 'l.long'] : ['0', '0::UINTEGER']
  return ['c.idx AS idx', `${part.index} AS part`, `${stream} AS stream`, `${long} AS long`, 'encode(l.message)']
}

/** Some columns of the lines of a part that meet the conditions. */
export function select(
  part: Part,
  conditions: Conditions,
  columns: readonly string[],
  where: readonly string[],
  slice: Slice,
): string {
  const asked = [
    ...(conditions.hasGrep ? [holds(part, slice, (text) => `contains(lower(${text}), lower($2))`)] : []),
    ...(conditions.where === undefined ? [] : [conditions.where.sql(textsOf(part, slice, conditions.where))]),
  ]
  const wanted = [...where, ...common(conditions), ...onForms(part, asked)]
  const from = `${linesOf(part, slice)} l ${joinChosen(part, conditions)} ${joinRests(part, slice, conditions)}`
  return `SELECT ${columns.join(', ')} FROM ${from} WHERE ${wanted.join(' AND ')}`
}

/** Whether a text of which `isIn` tells is in the message, or in a further piece of it. */
function holds(part: Part, slice: Slice, isIn: (text: string) => string): string {
  if (!part.segment.hasLong) return isIn('l.message')
  const wanted = `r.kind = ${MESSAGE} AND ${restsRange(part, slice)} AND ${isIn('r.text')}`
  const rests = `SELECT (${keyOf('r')}) FROM ${part.segment.database}.rests r WHERE ${wanted}`
  return `(${isIn('l.message')} OR (l.long > 0 AND (${keyOf('l')}) IN (${rests})))`
}

function textsOf(part: Part, slice: Slice, where: Where): LineTexts {
  const whole = (name: string): string =>
    part.segment.hasLong && where.needsWhole
      ? `(CASE WHEN w.${name} IS NULL THEN l.${name} ELSE l.${name} || w.${name} END)`
      : `l.${name}`
  return { message: whole('message'), fields: whole('fields'), holds: (isIn) => holds(part, slice, isIn) }
}

/** Joins what follows the first pieces of long texts, where whole texts are asked about. */
function joinRests(part: Part, slice: Slice, { where }: Conditions): string {
  if (!part.segment.hasLong || where?.needsWhole !== true) return ''
  const pieces = (kind: number): string => `string_agg(${REST}, '' ORDER BY r.number) FILTER (r.kind = ${kind})`
  return (
    `LEFT JOIN (SELECT ${keyOf('r')}, ${pieces(MESSAGE)} AS message, ${pieces(FIELDS)} AS fields ` +
    `FROM ${part.segment.database}.rests r WHERE ${restsRange(part, slice)} GROUP BY ${keyOf('r')}) w ` +
    'ON l.long > 0 AND w.time = l.time AND w.stream = l.stream AND w.source = l.source AND w.ordinal = l.ordinal'
  )
}

function restsRange(part: Part, slice: Slice): string {
  const to = part.ahead === undefined ? ` AND r.time < ${big(slice.to)}` : ''
  return `r.time >= ${big(slice.from)}${to}`
}

function keyOf(table: string): string {
  return ['time', 'stream', 'source', 'ordinal'].map((name) => `${table}.${name}`).join(', ')
}

/** Joins the part's chosen streams, with the cuts where there are any. */
function joinChosen(part: Part, { cuts }: Conditions): string {
  if (part.isWhole === true) return ''
  if (part.streams.length > MAX_INLINE) return `JOIN chosen c ON c.part = ${part.index} AND c.stream = l.stream`
  const rows = part.streams.map(({ id, chosen }) => {
    const cut = cuts?.get(chosen.task)
    const place =
      cut === undefined
        ? 'NULL::BIGINT, NULL, NULL, NULL'
        : `${big(cut.time)}, ${cut.rank}, ${cut.source}, ${cut.ordinal}`
    return `(${id}, ${chosen.index}, ${chosen.rank}, ${chosen.task}, ${place})`
  })
  const columns = 'stream, idx, rank, task, cut_time, cut_rank, cut_source, cut_ordinal'
  return `JOIN (VALUES ${rows.join(', ')}) c(${columns}) ON c.stream = l.stream`
}

function common({ sources, receivedAfter }: Conditions): string[] {
  return [
    ...(sources.length === 0 ? [] : [`l.source IN (${sources.join(', ')})`]),
    ...(receivedAfter === undefined ? [] : [`l.received > ${big(receivedAfter)}`]),
    // A parameter: a constant that nothing exceeds when the query is planned is left out of the plan, and the segment may grow until that runs.
    'l.received <= $1::BIGINT',
  ]
}

/** What holds for a line of the slice. */
export function inSlice(part: Part, slice: Slice, { since, until }: Conditions): string[] {
  return timeRange(part, 'l.time', greater(slice.from, since), smaller(slice.to, until))
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
export function big(value: bigint): string {
  return `${greater(MIN_TIME, smaller(MAX_TIME, value))}::BIGINT`
}
