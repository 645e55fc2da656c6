import { quoteText } from '../schema.ts'
import type { Part } from '../selection.ts'
import type { Rows } from './candidates.ts'

/** The table of a part's lines, or those rows of it that count: each range as a select of its own, so that DuckDB passes over all others. */
export function linesOf({ segment, rows }: Part): string {
  const table = `${segment.database}.lines`
  if (rows === undefined || isAll(rows)) return table
  const selects = rows.map(({ from, to }) => {
    const end = Number.isFinite(to) ? ` AND l.rowid < ${to}` : ''
    return `SELECT l.*, l.rowid FROM ${table} l WHERE l.rowid >= ${from}${end}`
  })
  return `(${selects.join(' UNION ALL ')})`
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
