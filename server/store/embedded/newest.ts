import { bigintColumn, numberColumn } from './columns.ts'
import type { Reader } from './engine.ts'
import { MIN_TIME } from './schema.ts'
import type { Part, Place, Selection } from './selection.ts'
import { type Slice, Slices } from './slices.ts'
import { type Conditions, newestSql } from './sql.ts'

/** The newest so many lines of all chosen streams together, or of each task. */
export interface NewestWish {
  readonly count: number
  readonly perTask: boolean
}

/**
 * Finds the cuts of "the newest N": by number of the task, the place (with the arrival as its time) of the oldest line that still belongs.
 * Tasks without a cut belong whole. The table of chosen streams must be written.
 */
export async function findCuts(
  reader: Reader,
  selection: Selection,
  conditions: Conditions,
  values: readonly string[],
  wish: NewestWish,
): Promise<Map<number, Place>> {
  const cuts = new Map<number, Place>()
  const find = (parts: readonly Part[], task?: number): Promise<Place | undefined> =>
    findCut(reader, parts, (slice, missing) => newestSql(slice, conditions, missing, task), {
      ...conditions,
      values,
      count: wish.count,
    })
  if (!wish.perTask) {
    const cut = await find(selection.parts)
    if (cut !== undefined) for (const { task } of selection.chosen) cuts.set(task, cut)
    return cuts
  }
  for (const [task, parts] of selection.partsByTask()) {
    const cut = await find(parts, task)
    if (cut !== undefined) cuts.set(task, cut)
  }
  return cuts
}

async function findCut(
  reader: Reader,
  parts: readonly Part[],
  sql: (slice: Slice, missing: number) => string,
  wish: { readonly since: bigint; readonly until: bigint; readonly values: readonly string[]; readonly count: number },
): Promise<Place | undefined> {
  // Not more lines than that: all belong, whatever the other conditions are.
  if (parts.reduce((sum, part) => sum + part.chosen, 0) <= wish.count) return undefined
  const slices = new Slices(parts, {
    since: MIN_TIME,
    until: wish.until,
    order: 'desc',
    rows: wish.count,
    byArrival: true,
  })
  let missing = wish.count
  for (let slice = slices.next(); slice !== undefined; slice = slices.next()) {
    for await (const chunk of reader.chunks(sql(slice, missing), wish.values)) {
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
