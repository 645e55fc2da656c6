import type { DuckDBDataChunk } from '@duckdb/node-api'
import type { Position } from '../../../shared/record.ts'
import type { Query } from '../../query/query.ts'
import { smaller } from './bigint.ts'
import { bigintColumn, numberColumn } from './columns.ts'
import type { Reader } from './engine.ts'
import { failureOf, messageOf, unavailable } from './failure.ts'
import { findCuts } from './newest.ts'
import type { Parts } from './parts.ts'
import { MAX_TIME, MIN_TIME, sourceCode, sourceOf } from './schema.ts'
import type { Segment } from './segment.ts'
import { type Chosen, Selection } from './selection.ts'
import { type Slice, Slices } from './slices.ts'
import { type Conditions, linesSql } from './sql.ts'

/** How often a search starts anew where it was, when files are set aside or attached anew under it. */
const MAX_ATTEMPTS = 8

/** Number of the column with the index of the stream; before it: time, rank, source, ordinal. */
export const STREAM_COLUMN = 4
const TIME_COLUMN = 0
const SOURCE_COLUMN = 2
const ORDINAL_COLUMN = 3

/** Rows of an answer, and the streams that their indexes mean. */
export interface Found {
  readonly chunk: DuckDBDataChunk
  readonly chosen: readonly Chosen[]
}

/** What one pass over the segments works on, for those who must mend what it met. */
interface Pass {
  readonly segments: readonly Segment[]
  slice: Slice | undefined
}

/**
 * Walks the lines that a query asks for, in order, slice by slice; `columns` are those wanted beside the place. Sees what was committed
 * when it began. Goes on without a segment that proves damaged; throws when one expires that it still needs; ends when the signal aborts.
 */
export async function* search(
  parts: Parts,
  query: Query,
  columns: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<Found> {
  const receivedUpTo = smaller(query.receivedUpTo ?? MAX_TIME, parts.writer.lastReceived)
  let { after, limit = Number.POSITIVE_INFINITY } = query
  for (let attempt = 1; ; attempt++) {
    const pass: Pass = { segments: parts.segments.all, slice: undefined }
    try {
      for await (const found of walk(parts, pass, { ...query, after, limit, receivedUpTo }, columns, signal)) {
        after = lastPosition(found)
        limit -= found.chunk.rowCount
        yield found
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
  query: Query & { readonly receivedUpTo: bigint; readonly limit: number; readonly after: Position | undefined },
  columns: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Found> {
  if (query.limit <= 0 || query.newest === 0) return
  const reader = await parts.engine.lease(signal)
  for (const segment of pass.segments) segment.pin()
  try {
    const range = { since: query.since ?? MIN_TIME, until: query.until ?? MAX_TIME }
    const { receivedAfter = -1n } = query
    const segments = pass.segments.filter((segment) => segment.received > receivedAfter)
    const selection = Selection.of(query.filter, parts.streams, segments, range)
    if (selection.parts.length === 0) return
    await reader.use((connection) => selection.write(connection))
    const { conditions, from } = await prepare(reader, selection, query, range)
    const values = query.filter.grep === '' ? [] : [query.filter.grep]
    const rows = Number.isFinite(query.limit) ? query.limit : query.newest
    const slices = new Slices(selection.parts, { ...from, order: query.order, ...(rows === undefined ? {} : { rows }) })
    let left = query.limit
    for (let slice = slices.next(); slice !== undefined && left > 0; slice = slices.next()) {
      pass.slice = slice
      let count = 0
      const limit = Number.isFinite(left) ? left : undefined
      const sql = linesSql(slice, conditions, ['c.idx AS idx', ...columns], { order: query.order, limit })
      for await (const chunk of reader.chunks(sql, values)) {
        count += chunk.rowCount
        yield { chunk, chosen: selection.chosen }
      }
      left -= count
      slices.learn(count)
    }
  } finally {
    for (const segment of pass.segments) segment.unpin()
    reader.release()
  }
}

/** Finds out what each slice must ask, and the range of times to walk. */
async function prepare(
  reader: Reader,
  selection: Selection,
  query: Query & { readonly receivedUpTo: bigint },
  range: { readonly since: bigint; readonly until: bigint },
): Promise<{ conditions: Conditions; from: { since: bigint; until: bigint } }> {
  const { filter, order, newest, perTask = false, after } = query
  const conditions: Conditions = {
    ...range,
    sources: filter.sources.map(sourceCode),
    hasGrep: filter.grep !== '',
    receivedAfter: query.receivedAfter,
    receivedUpTo: query.receivedUpTo,
    after: after === undefined ? undefined : selection.placeOf(after, order),
    hasCuts: newest !== undefined,
  }
  const from = { ...range }
  if (newest !== undefined) {
    const values = filter.grep === '' ? [] : [filter.grep]
    const cuts = await findCuts(reader, selection, conditions, values, { count: newest, perTask })
    await reader.use((connection) => selection.write(connection, cuts))
    // A line's time is never before its arrival, as that stands for times ahead only.
    const tasks = new Set(selection.chosen.map(({ task }) => task))
    const first = [...cuts.values()].reduce((time, cut) => smaller(time, cut.time), MAX_TIME)
    if (cuts.size === tasks.size && first > from.since) from.since = first
  }
  if (after !== undefined) {
    if (order === 'asc' && after.time > from.since) from.since = after.time
    if (order === 'desc' && after.time < from.until - 1n) from.until = after.time + 1n
  }
  return { conditions, from }
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
  try {
    for await (const chunk of reader.chunks(`SELECT bit_xor(hash(l)) FROM ${segment.database}.lines l`)) void chunk
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

function lastPosition({ chunk, chosen }: Found): Position {
  const row = chunk.rowCount - 1
  const stream = chosen[numberColumn(chunk, STREAM_COLUMN)(row)]?.stream
  return {
    time: bigintColumn(chunk, TIME_COLUMN)(row),
    nodeId: stream?.nodeId ?? '',
    containerId: stream?.containerId ?? '',
    source: sourceOf(numberColumn(chunk, SOURCE_COLUMN)(row)),
    ordinal: numberColumn(chunk, ORDINAL_COLUMN)(row),
  }
}
