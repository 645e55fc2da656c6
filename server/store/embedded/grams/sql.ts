import type { Lease } from '../../../archive/lease.ts'
import { MAX_TIME, quoteText } from '../schema.ts'
import type { Part } from '../selection.ts'
import type { Slice } from '../slices.ts'
import type { Rows } from './candidates.ts'

/** The table of a part's lines, or those rows of it that count: each range as a select of its own, so that DuckDB passes over all others. */
export function linesOf(part: Part, slice: Slice): string {
  const { segment, rows } = part
  if (segment.archived !== undefined) return segment.archived.sql(...filesOf(part, slice))
  const table = `${segment.database}.lines`
  if (rows === undefined || isAll(rows)) return table
  const selects = rows.map(({ from, to, first, last }) => {
    // By times DuckDB passes over other rows three times as fast as by their numbers.
    const end = Number.isFinite(to)
      ? ` AND l.rowid < ${to} AND l.time BETWEEN ${first}::BIGINT AND ${last}::BIGINT`
      : ''
    return `SELECT l.*, l.rowid FROM ${table} l WHERE l.rowid >= ${from}${end}`
  })
  return `(${selects.join(' UNION ALL ')})`
}

/** Must be awaited before what is made of `linesOf` is run. */
export async function linesReady(part: Part, slice: Slice, lease: Lease): Promise<void> {
  await part.segment.archived?.ready(lease, ...filesOf(part, slice))
}

/** Which files of an archived day a slice is about. */
function filesOf({ ahead, rows }: Part, { from, to }: Slice): [bigint, bigint, readonly Rows[] | undefined] {
  // A slice of arrivals has lines whose clock ran ahead by any time.
  return [from, ahead === undefined ? to - 1n : MAX_TIME, rows]
}

function isAll(rows: readonly Rows[]): boolean {
  const hasNoGap = rows.every(({ from }, index) => from === (rows[index - 1]?.to ?? 0))
  return hasNoGap && rows.at(-1)?.to === Number.POSITIVE_INFINITY
}

/** The conditions, tried only on lines that have one of the forms in which a word of the search can stand: most are passed over fast. */
export function onForms({ segment, rows = [] }: Part, conditions: readonly string[]): readonly string[] {
  const forms = rows[0]?.forms ?? []
  if (forms.length === 0 || conditions.length === 0) return conditions
  const some = [
    ...forms.map((form) => `contains(l.message, ${quoteText(form)})`),
    ...(segment.hasLong ? ['l.long > 0'] : []),
  ]
  // Beside each other DuckDB would take the dearer condition first.
  return [`CASE WHEN ${some.join(' OR ')} THEN ${conditions.join(' AND ')} ELSE false END`]
}
