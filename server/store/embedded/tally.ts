import type { DuckDBDataChunk } from '@duckdb/node-api'
import { checkGrep } from '../../query/filter.ts'
import type { Scope } from '../../query/query.ts'
import { smaller } from '../bigint.ts'
import { Histogram, type HistogramBucket, type HistogramKey, type HistogramWish, streamKey } from '../histogram.ts'
import { onSegments } from './begin.ts'
import { bigintColumn, numberColumn } from './columns.ts'
import { type CountWish, countsSql } from './counts-sql.ts'
import type { Running } from './newest.ts'
import type { ReadParts } from './parts.ts'
import { type Pass, repair } from './repair.ts'
import { levelOf, MAX_TIME, sourceOf } from './schema.ts'
import type { Chosen, Part } from './selection.ts'
import { narrowing, Slices } from './slices.ts'
import type { Conditions } from './sql.ts'

/** Rows of time, group and count, and the streams that groups may be numbers of. */
export interface Counts {
  readonly chunk: DuckDBDataChunk
  readonly chosen: readonly Chosen[]
}

/** How many lines a scope has; see Store. */
export async function count(parts: ReadParts, scope: Scope, signal?: AbortSignal): Promise<number> {
  return tally(parts, scope, { group: '0' }, signal, async (rows) => {
    let total = 0
    for await (const { chunk } of rows) for (let row = 0; row < chunk.rowCount; row++) total += countAt(chunk, row)
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
  return tally(parts, scope, { group: groupColumn(by), buckets: wish }, signal, async (rows) => {
    result = new Histogram(wish)
    for await (const { chunk, chosen } of rows) {
      const [timeOf, groupOf] = [bigintColumn(chunk, 0), numberColumn(chunk, 1)]
      for (let row = 0; row < chunk.rowCount; row++)
        result.add(timeOf(row), keyOf(by, groupOf(row), chosen), countAt(chunk, row))
    }
    return result.buckets()
  })
}

/** What lines are grouped by within a bucket; texts of groups are looked up afterwards. */
function groupColumn(by: HistogramKey): string {
  if (by === 'none') return '0'
  return by === 'level' || by === 'source' ? `l.${by}` : 'c.idx'
}

/** Has the rows of all slices added up; anew from the first when a file proves damaged on the way. */
export async function tally<T>(
  parts: ReadParts,
  scope: Scope,
  what: CountWish,
  signal: AbortSignal | undefined,
  add: (rows: AsyncGenerator<Counts>) => Promise<T>,
): Promise<T> {
  checkGrep(scope.filter)
  const receivedUpTo = smaller(scope.receivedUpTo ?? MAX_TIME, parts.writer.lastReceived)
  const limit = Number.POSITIVE_INFINITY
  const pass: Pass = { segments: [], slice: undefined, after: undefined, limit, maxScale: undefined, attempts: 0 }
  while (true) {
    try {
      signal?.throwIfAborted()
      const bound = { ...scope, receivedUpTo }
      return await add(onSegments(parts, pass, bound, signal, (running) => walk(running, what)))
    } catch (error) {
      signal?.throwIfAborted()
      await repair(parts, pass, 'asc', error)
    }
  }
}

async function* walk(running: Running, what: CountWish): AsyncGenerator<Counts> {
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
  for await (const slice of narrowing(slices, candidates, 0)) {
    await onSlice(slice)
    for await (const chunk of reader.chunks(countsSql(slice, conditions, what), values)) yield { chunk, chosen }
  }
}

/** Whether it matters of which stream a line is. */
function asksOfStreams({ group }: CountWish, { where }: Conditions): boolean {
  const asked = where?.sql({ message: '', fields: '', holds: () => '' }) ?? ''
  return [group, asked].some((text) => text.includes('c.idx'))
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

/** How many lines a row stands for. */
export function countAt(chunk: DuckDBDataChunk, row: number): number {
  return Number(bigintColumn(chunk, 2)(row))
}

function keyOf(by: HistogramKey, group: number, chosen: readonly Chosen[]): string {
  if (by === 'level') return levelOf(group)
  if (by === 'source') return sourceOf(group)
  const stream = chosen[group]?.stream
  return stream === undefined ? '' : streamKey(stream, by)
}
