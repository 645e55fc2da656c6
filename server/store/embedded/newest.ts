import type { DuckDBDataChunk } from '@duckdb/node-api'
import { bigintColumn, numberColumn } from './columns.ts'
import type { Reader } from './engine.ts'
import { MIN_TIME } from './schema.ts'
import type { Part, Place, Selection } from './selection.ts'
import { type Candidates, narrowing, type Slice, Slices, type Walk } from './slices.ts'
import { type Conditions, newestLinesSql, oldestOfNewestSql } from './sql.ts'

/** The newest so many lines of all chosen streams together, or of each task. */
export interface NewestWish {
  readonly count: number
  readonly perTask: boolean
}

/** What runs, on what: `values` are those of the conditions, `onSlice` must be told which slice is to be read, and awaited. */
export interface Running {
  readonly reader: Reader
  readonly selection: Selection
  readonly conditions: Conditions
  readonly values: readonly (bigint | string)[]
  readonly onSlice: (slice: Slice) => Promise<void>
  /** How large slices may be. */
  readonly size: Pick<Walk, 'bytes' | 'maxScale'>
  /** The only rows that can have what is looked for; made out at the first call. */
  readonly candidates: () => Promise<Candidates>
}

/** So many slices are read of a search for few lines, which mostly are in the first ones, before it is made out where they can be. */
export const PATIENCE = 3

/** The newest lines at once, where the newest slice has enough of them (mostly it has); otherwise undefined. */
export async function newestAtOnce(
  running: Running,
  columns: readonly string[],
  walk: { readonly order: 'asc' | 'desc'; readonly limit: number },
): Promise<DuckDBDataChunk[] | undefined> {
  const { reader, selection, conditions, values, onSlice, size } = running
  const slice = slicesOf(selection.parts, conditions, walk.limit, size).next()
  if (slice === undefined) return undefined
  await onSlice(slice)
  const chunks: DuckDBDataChunk[] = []
  let found = 0
  for await (const chunk of reader.chunks(newestLinesSql(slice, conditions, columns, walk), values)) {
    found += chunk.rowCount
    chunks.push(chunk)
  }
  return found === walk.limit ? chunks : undefined
}

/**
 * Finds the cuts of "the newest N": by number of the task, the place (with the arrival as its time) of the oldest line that still belongs.
 * Tasks without a cut belong whole.
 */
export async function findCuts(running: Running, wish: NewestWish): Promise<Map<number, Place>> {
  const { selection } = running
  const cuts = new Map<number, Place>()
  if (!wish.perTask) {
    const cut = await findCut(running, selection.parts, wish.count)
    if (cut !== undefined) for (const { task } of selection.chosen) cuts.set(task, cut)
    return cuts
  }
  for (const [task, parts] of selection.partsByTask()) {
    const cut = await findCut(running, parts, wish.count, task)
    if (cut !== undefined) cuts.set(task, cut)
  }
  return cuts
}

async function findCut(
  { reader, conditions, values, onSlice, size, candidates }: Running,
  parts: readonly Part[],
  count: number,
  task?: number,
): Promise<Place | undefined> {
  // Not more lines than that: all belong, whatever the other conditions are.
  if (parts.reduce((sum, part) => sum + part.chosen, 0) <= count) return undefined
  // No texts are sorted for that.
  const slices = slicesOf(parts, conditions, count, { ...size, bytes: Number.POSITIVE_INFINITY })
  let missing = count
  for await (const slice of narrowing(slices, candidates, PATIENCE)) {
    await onSlice(slice)
    for await (const chunk of reader.chunks(oldestOfNewestSql(slice, conditions, missing, task), values)) {
      const found = Number(bigintColumn(chunk, 0)(0))
      slices.learn(found)
      missing -= found
      if (missing > 0) continue
      const [rank, source, ordinal] = [2, 3, 4].map((column) => numberColumn(chunk, column)(0))
      return { time: bigintColumn(chunk, 1)(0), rank: rank ?? 0, source: source ?? 0, ordinal: ordinal ?? 0 }
    }
  }
  return undefined
}

/** From the newest arrival back; a line's arrival is before its time at most, so that only the end of the range bounds the walk. */
function slicesOf(parts: readonly Part[], { until }: Conditions, rows: number, size: Running['size']): Slices {
  return new Slices(parts, { since: MIN_TIME, until, order: 'desc', rows, byArrival: true, ...size })
}
