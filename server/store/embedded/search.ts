import type { DuckDBDataChunk } from '@duckdb/node-api'
import type { Position } from '../../../shared/record.ts'
import { napping } from '../../napping.ts'
import { checkGrep } from '../../query/filter.ts'
import type { Query } from '../../query/query.ts'
import { greater, smaller } from '../bigint.ts'
import { onSegments } from './begin.ts'
import { type Found, type Lines, lastPosition } from './lines.ts'
import { wholeLines } from './long.ts'
import { findCuts, newestAtOnce, PATIENCE, type Running } from './newest.ts'
import type { ReadParts } from './parts.ts'
import { mustNotHaveExpired, type Pass, repair } from './repair.ts'
import { MAX_TIME, MIN_TIME } from './schema.ts'
import { narrowing, Slices } from './slices.ts'
import { type Conditions, linesSql } from './sql.ts'

/** A search that nobody asks for more for so long gives its memory and its place to others. */
const NAP_AFTER_MS = 2_000

/** Up to so many of the newest lines are looked for in one go. */
const MAX_QUICK = 10_000

/** A query with its bounds made out. */
interface Bounded extends Omit<Query, 'after'> {
  readonly receivedUpTo: bigint
  /** Infinite when there is none. */
  readonly limit: number
  readonly after: Position | undefined
}

/** What a search is to make of the lines that it finds. */
export interface Wanted<Answer> {
  /** The columns besides those of every search. */
  readonly columns: readonly string[]
  /** Makes an answer of the first of the lines, as many as are enough for one: up to `to`. */
  readonly answer: (lines: Lines) => { readonly answer: Answer; readonly to: number }
}

/**
 * Walks the lines that a query asks for, in order, slice by slice. Sees what was committed when it began. Goes on without a segment that
 * proves damaged; throws when one expires that it still needs; ends when the signal aborts. While nobody asks for more it holds nothing.
 */
export async function* search<Answer>(
  parts: ReadParts,
  query: Query,
  wanted: Wanted<Answer>,
  signal?: AbortSignal,
): AsyncGenerator<Answer> {
  checkGrep(query.filter)
  const { after, limit = Number.POSITIVE_INFINITY } = query
  const receivedUpTo = smaller(query.receivedUpTo ?? MAX_TIME, parts.writer.lastReceived)
  const pass: Pass = { segments: [], slice: undefined, after, limit, maxScale: undefined, attempts: 0 }
  yield* napping(() => goOn(parts, pass, { ...query, receivedUpTo }, wanted, signal), NAP_AFTER_MS)
}

/** Answers what comes behind where the pass is. */
async function* goOn<Answer>(
  parts: ReadParts,
  pass: Pass,
  query: Query & Pick<Bounded, 'receivedUpTo'>,
  wanted: Wanted<Answer>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Answer> {
  mustNotHaveExpired(pass, query.order)
  while (true) {
    try {
      const rest = { ...query, after: pass.after, limit: pass.limit }
      for await (const found of walk(parts, pass, rest, wanted.columns, signal)) {
        for await (const lines of wholeLines(parts.engine, found, signal)) yield* answers(lines, pass, wanted)
      }
      return
    } catch (error) {
      if (signal?.aborted) return
      await repair(parts, pass, query.order, error)
    }
  }
}

function* answers<Answer>(lines: Lines, pass: Pass, wanted: Wanted<Answer>): Generator<Answer> {
  for (let from = lines.from; from < lines.to; ) {
    const { answer, to } = wanted.answer({ ...lines, from })
    pass.after = lastPosition({ ...lines, to })
    pass.limit -= to - from
    from = to
    yield answer
  }
}

async function* walk(
  parts: ReadParts,
  pass: Pass,
  query: Bounded,
  columns: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Found> {
  if (query.limit <= 0 || query.newest === 0) return
  yield* onSegments(parts, pass, query, signal, async function* (running) {
    const { chosen, parts: inParts } = running.selection
    const newest = isQuick(query, running)
      ? await newestAtOnce(running, columns, { order: query.order, limit: query.newest })
      : undefined
    for await (const chunk of newest ?? walkSlices(running, query, columns)) yield { chunk, chosen, parts: inParts }
  })
}

async function* walkSlices(
  running: Running,
  query: Bounded,
  columns: readonly string[],
): AsyncGenerator<DuckDBDataChunk> {
  const { reader, selection, values, onSlice, size, candidates } = running
  const { order, newest, limit } = query
  const conditions = await refine(running, query)
  const rows = Number.isFinite(limit) ? limit : newest
  const slices = new Slices(selection.parts, {
    ...timesOf(query, conditions),
    ...size,
    order,
    ...(rows === undefined ? {} : { rows }),
  })
  let left = limit
  for await (const slice of narrowing(slices, candidates, rows === undefined ? 0 : PATIENCE)) {
    await onSlice(slice)
    let count = 0
    const walk = { order, limit: Number.isFinite(left) ? left : undefined }
    for await (const chunk of reader.chunks(linesSql(slice, conditions, columns, walk), values)) {
      count += chunk.rowCount
      yield chunk
    }
    left -= count
    if (left <= 0) return
    slices.learn(count)
  }
}

/** Adds to the conditions where the newest N begin and where the last page ended. */
async function refine(running: Running, query: Bounded): Promise<Conditions> {
  const { selection, conditions, reader } = running
  const { order, newest, perTask = false } = query
  const after = query.after === undefined ? undefined : selection.placeOf(query.after, order)
  if (newest === undefined) return { ...conditions, after }
  const cuts = await findCuts(running, { count: newest, perTask })
  await reader.use((connection) => selection.write(connection, cuts))
  const tasks = new Set(selection.chosen.map(({ task }) => task))
  // A line's time is never before its arrival, as that stands for times ahead only.
  const first =
    cuts.size < tasks.size ? MIN_TIME : [...cuts.values()].reduce((time, cut) => smaller(time, cut.time), MAX_TIME)
  return { ...conditions, after, cuts, since: greater(conditions.since, first) }
}

/** The times to walk over: the query's, less what lies before the place to go on behind. */
function timesOf({ order, after }: Bounded, { since, until }: Conditions): { since: bigint; until: bigint } {
  if (after === undefined) return { since, until }
  return order === 'asc'
    ? { since: greater(since, after.time), until }
    : { since, until: smaller(until, after.time + 1n) }
}

/** Whether the query is the common one for a few of the newest lines. */
function isQuick(query: Bounded, { selection, size }: Running): query is Bounded & { readonly newest: number } {
  const { newest = MAX_QUICK + 1, perTask = false, after, limit } = query
  const isFew = selection.parts.every(({ text, chosen }) => (newest * text) / chosen <= size.bytes)
  return newest <= MAX_QUICK && isFew && !perTask && after === undefined && limit >= newest
}
