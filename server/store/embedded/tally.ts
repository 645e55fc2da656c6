import type { DuckDBDataChunk } from '@duckdb/node-api'
import { checkGrep } from '../../query/filter.ts'
import type { Scope } from '../../query/query.ts'
import { smaller } from '../bigint.ts'
import { Histogram, type HistogramBucket, type HistogramKey, type HistogramWish, streamKey } from '../histogram.ts'
import { type Bound, onSegments } from './begin.ts'
import { bigintColumn, numberColumn } from './columns.ts'
import { countWords } from './counted-words.ts'
import { type CountWish, countsSql, type Grouping } from './counts-sql.ts'
import type { Running } from './newest.ts'
import type { ReadParts } from './parts.ts'
import { type Pass, repair } from './repair.ts'
import { levelOf, MAX_TIME, sourceOf } from './schema.ts'
import type { Chosen, Part } from './selection.ts'
import { type Candidates, narrowing, Slices } from './slices.ts'
import type { Conditions } from './sql.ts'

/** How many lines there are of a time (any of its bucket) and a group. */
export interface Count {
  readonly time: bigint
  readonly group: number
  readonly lines: number
}

/** Counts that belong together, and the streams that groups may be numbers of. */
export interface Counts {
  readonly counts: Iterable<Count>
  readonly chosen: readonly Chosen[]
}

const TOGETHER: Grouping = { sql: '0', of: () => 0 }
const BY_LEVEL: Grouping = { sql: 'l.level', of: ({ level }) => level }
const BY_SOURCE: Grouping = { sql: 'l.source', of: ({ source }) => source }
const BY_STREAM: Grouping = { sql: 'c.idx', of: ({ index }) => index }

/** How many lines a scope has; see Store. */
export async function count(parts: ReadParts, scope: Scope, signal?: AbortSignal): Promise<number> {
  return tally(parts, scope, { group: TOGETHER }, signal, async (all) => {
    let total = 0
    for await (const { counts } of all) for (const { lines } of counts) total += lines
    return total
  })
}

/** The lines of a scope by time; see Store. */
export async function histogram(
  parts: ReadParts,
  scope: Scope,
  wish: HistogramWish,
  signal?: AbortSignal,
): Promise<HistogramBucket[]> {
  const { by } = wish
  let result = new Histogram(wish)
  return tally(parts, scope, { group: groupingBy(by), buckets: wish }, signal, async (all) => {
    result = new Histogram(wish)
    for await (const { counts, chosen } of all)
      for (const { time, group, lines } of counts) result.add(time, keyOf(by, group, chosen), lines)
    return result.buckets()
  })
}

/** What lines are grouped by within a bucket; texts of groups are looked up afterwards. */
function groupingBy(by: HistogramKey): Grouping {
  if (by === 'none') return TOGETHER
  if (by === 'level') return BY_LEVEL
  return by === 'source' ? BY_SOURCE : BY_STREAM
}

/** Has the counts of all slices added up; anew from the first when a file proves damaged on the way. */
export async function tally<T>(
  parts: ReadParts,
  scope: Scope,
  what: CountWish,
  signal: AbortSignal | undefined,
  add: (all: AsyncGenerator<Counts>) => Promise<T>,
): Promise<T> {
  checkGrep(scope.filter)
  const receivedUpTo = smaller(scope.receivedUpTo ?? MAX_TIME, parts.writer.lastReceived)
  const limit = Number.POSITIVE_INFINITY
  const pass: Pass = { segments: [], slice: undefined, after: undefined, limit, maxScale: undefined, attempts: 0 }
  while (true) {
    try {
      signal?.throwIfAborted()
      const bound = { ...scope, receivedUpTo }
      return await add(onSegments(parts, pass, bound, signal, (running) => walk(running, bound, what, signal)))
    } catch (error) {
      signal?.throwIfAborted()
      await repair(parts, pass, 'asc', error)
    }
  }
}

async function* walk(
  running: Running,
  scope: Bound,
  what: CountWish,
  signal: AbortSignal | undefined,
): AsyncGenerator<Counts> {
  const { reader, selection, conditions, values, onSlice, size, candidates } = running
  const { chosen } = selection
  const { since, until } = conditions
  const parts = asksOfStreams(what, conditions)
    ? selection.parts
    : selection.parts.map((part) => marked(part, conditions))
  const slices = new Slices(parts, {
    since,
    until,
    order: 'asc',
    ...size,
    isUnsorted: conditions.where?.needsWhole !== true || !hasLong(parts),
  })
  const known = await countWords(running, scope, what, signal)
  yield { counts: known.counts, chosen }
  const isAllKnown = parts.every(({ index }) => known.rest.has(index))
  const rest = async (): Promise<Candidates> =>
    isAllKnown ? known.rest : new Map([...(await candidates()), ...known.rest])
  for await (const slice of narrowing(slices, rest, 0)) {
    await onSlice(slice)
    for await (const chunk of reader.chunks(countsSql(slice, conditions, what), values))
      yield { counts: countsIn(chunk), chosen }
  }
}

function* countsIn(chunk: DuckDBDataChunk): Generator<Count> {
  const [timeOf, groupOf, linesOf] = [bigintColumn(chunk, 0), numberColumn(chunk, 1), bigintColumn(chunk, 2)]
  for (let row = 0; row < chunk.rowCount; row++)
    yield { time: timeOf(row), group: groupOf(row), lines: Number(linesOf(row)) }
}

/** Whether it matters of which stream a line is. */
function asksOfStreams({ group }: CountWish, { where }: Conditions): boolean {
  const asked = where?.sql({ message: '', fields: '', holds: () => '' }) ?? ''
  return [group.sql, asked].some((text) => text.includes('c.idx'))
}

function marked(part: Part, { since, until }: Conditions): Part {
  const chosen = new Set(part.streams.map(({ id }) => id))
  // Lines of other streams are left out by their times alone.
  let oldest = part.first
  for (const { id, first, last } of part.segment.streams.values()) {
    if (!chosen.has(id) && last >= since && first < until) return part
    oldest = smaller(oldest, first)
  }
  return { ...part, isWhole: true, first: oldest }
}

/** Whole long texts take memory, as what is sorted does. */
function hasLong(parts: readonly Part[]): boolean {
  return parts.some(({ segment }) => segment.hasLong)
}

function keyOf(by: HistogramKey, group: number, chosen: readonly Chosen[]): string {
  if (by === 'level') return levelOf(group)
  if (by === 'source') return sourceOf(group)
  const stream = chosen[group]?.stream
  return stream === undefined ? '' : streamKey(stream, by)
}
