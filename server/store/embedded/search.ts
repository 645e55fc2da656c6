import type { DuckDBDataChunk } from '@duckdb/node-api'
import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Position } from '../../../shared/record.ts'
import { MAX_GREP_CHARS, type Query } from '../../query/query.ts'
import { greater, smaller } from './bigint.ts'
import type { Reader } from './engine.ts'
import { failureOf, messageOf, unavailable } from './failure.ts'
import { type Found, type Lines, lastPosition } from './lines.ts'
import { wholeLines } from './long.ts'
import { findCuts, newestAtOnce, type Running } from './newest.ts'
import type { Parts } from './parts.ts'
import { MAX_TIME, MIN_TIME, sourceCode } from './schema.ts'
import type { Segment } from './segment.ts'
import { Selection } from './selection.ts'
import { type Slice, Slices } from './slices.ts'
import { type Conditions, linesSql } from './sql.ts'

/** How often a search starts anew where it was, when files are set aside or attached anew under it. */
const MAX_ATTEMPTS = 8

const TOO_LONG = `cannot search for a text of over ${MAX_GREP_CHARS} characters: search for a part of it`

/** Up to so many of the newest lines are looked for in one go. */
const MAX_QUICK = 10_000

/** What one pass over the segments works on, for those who must mend what it met. */
interface Pass {
  segments: readonly Segment[]
  slice: Slice | undefined
}

/** A query with its bounds made out. */
interface Bounded extends Omit<Query, 'after'> {
  readonly receivedUpTo: bigint
  /** Infinite when there is none. */
  readonly limit: number
  readonly after: Position | undefined
}

/**
 * Walks the lines that a query asks for, in order, slice by slice; `columns` are those wanted besides those of every search. Sees what was committed
 * when it began. Goes on without a segment that proves damaged; throws when one expires that it still needs; ends when the signal aborts.
 */
export async function* search(
  parts: Parts,
  query: Query,
  columns: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<Lines> {
  if (query.filter.grep.length > MAX_GREP_CHARS) throw new SwarmlogsError('SWARMLOGS_LIMIT', TOO_LONG)
  const receivedUpTo = smaller(query.receivedUpTo ?? MAX_TIME, parts.writer.lastReceived)
  let { after, limit = Number.POSITIVE_INFINITY } = query
  for (let attempt = 1; ; attempt++) {
    const pass: Pass = { segments: [], slice: undefined }
    try {
      for await (const found of walk(parts, pass, { ...query, after, limit, receivedUpTo }, columns, signal)) {
        for await (const lines of wholeLines(parts.engine, found, signal)) {
          after = lastPosition(lines)
          limit -= lines.to - lines.from
          yield lines
        }
      }
      return
    } catch (error) {
      if (signal?.aborted) return
      if (attempt === MAX_ATTEMPTS || !(await mend(parts, pass, error))) throw failed(error)
    }
  }
}

async function* walk(
  parts: Parts,
  pass: Pass,
  query: Bounded,
  columns: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Found> {
  if (query.limit <= 0 || query.newest === 0) return
  const reader = await parts.engine.lease(signal)
  const segments = parts.segments.all
  pass.segments = segments
  for (const segment of segments) segment.pin()
  try {
    const running = await begin(parts, pass, query, reader)
    if (running === undefined) return
    const { chosen, parts: inParts } = running.selection
    const newest = isQuick(query)
      ? await newestAtOnce(running, columns, { order: query.order, limit: query.newest })
      : undefined
    if (newest === undefined)
      for await (const chunk of walkSlices(running, query, columns)) yield { chunk, chosen, parts: inParts }
    else for (const chunk of newest) yield { chunk, chosen, parts: inParts }
  } finally {
    for (const segment of segments) segment.unpin()
    reader.release()
  }
}

/** Finds the streams and segments that the query is about; undefined when there are none. */
async function begin(parts: Parts, pass: Pass, query: Bounded, reader: Reader): Promise<Running | undefined> {
  const { filter, receivedAfter, receivedUpTo, since = MIN_TIME, until = MAX_TIME } = query
  const segments = pass.segments.filter((segment) => segment.received > (receivedAfter ?? -1n))
  const selection = Selection.of(filter, parts.streams, segments, { since, until })
  if (selection.parts.length === 0) return undefined
  await reader.use((connection) => selection.write(connection))
  const sources = filter.sources.map(sourceCode)
  const conditions = { since, until, sources, hasGrep: filter.grep !== '', receivedAfter }
  const values = [receivedUpTo, ...(filter.grep === '' ? [] : [filter.grep])]
  const onSlice = (slice: Slice): void => {
    pass.slice = slice
  }
  return { reader, selection, conditions, values, onSlice }
}

async function* walkSlices(
  running: Running,
  query: Bounded,
  columns: readonly string[],
): AsyncGenerator<DuckDBDataChunk> {
  const { reader, selection, values, onSlice } = running
  const { order, newest, limit } = query
  const conditions = await refine(running, query)
  const rows = Number.isFinite(limit) ? limit : newest
  const slices = new Slices(selection.parts, {
    ...timesOf(query, conditions),
    order,
    ...(rows === undefined ? {} : { rows }),
  })
  let left = limit
  for (let slice = slices.next(); slice !== undefined && left > 0; slice = slices.next()) {
    onSlice(slice)
    let count = 0
    const walk = { order, limit: Number.isFinite(left) ? left : undefined }
    for await (const chunk of reader.chunks(linesSql(slice, conditions, columns, walk), values)) {
      count += chunk.rowCount
      yield chunk
    }
    left -= count
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
function isQuick(query: Bounded): query is Bounded & { readonly newest: number } {
  const { newest = MAX_QUICK + 1, perTask = false, after, limit } = query
  return newest <= MAX_QUICK && !perTask && after === undefined && limit >= newest
}

/** Makes the next attempt of a search possible after an error; false when there is nothing that it could change. */
async function mend(parts: Parts, pass: Pass, error: unknown): Promise<boolean> {
  const { slice } = pass
  if (pass.segments.some((segment) => segment.gone === 'expired')) {
    throw unavailable('go on: records expired while they were read; ask again with a later start', error)
  }
  const failure = failureOf(error)
  if (failure === 'fatal') parts.onFatal()
  if (failure === 'invalidated' || isDetached(error)) {
    await parts.serial.run(async () => {
      for (const { segment } of slice?.parts ?? []) await reattachIfShut(parts, segment)
    })
    return true
  }
  if (failure !== 'damaged' || slice === undefined) return false
  for (const { segment } of slice.parts) {
    const cause = await damageOf(parts, segment)
    if (cause !== undefined) await parts.serial.run(() => parts.segments.setAside(segment, cause))
  }
  return true
}

async function reattachIfShut({ engine, segments }: Parts, segment: Segment): Promise<void> {
  if (segment.gone !== '') return
  try {
    await engine.writer.run(`SELECT count(*) FROM ${segment.database}.streams`)
  } catch (error) {
    if (failureOf(error) === 'invalidated') await segments.reattach(segment)
  }
}

/** Reads all of a segment; returns the error when it proves damaged. */
async function damageOf({ engine }: Parts, segment: Segment): Promise<unknown> {
  if (segment.gone !== '') return undefined
  const reader = await engine.lease()
  const hash = (table: string): string => `SELECT bit_xor(hash(t)) FROM ${segment.database}.${table} t`
  try {
    const sql = `${hash('lines')} UNION ALL ${hash('rests')}`
    for await (const chunk of reader.chunks(sql)) void chunk
    return undefined
  } catch (error) {
    return failureOf(error) === 'damaged' ? error : undefined
  } finally {
    reader.release()
  }
}

/** The segment is being attached anew at this moment, or was set aside. */
function isDetached(error: unknown): boolean {
  return error instanceof Error && /^(Catalog|Binder) Error: .*does not exist/s.test(error.message)
}

function failed(error: unknown): unknown {
  if (error instanceof Error && error.name === 'SwarmlogsError') return error
  return unavailable(`search now: ${messageOf(error)}`, error)
}
