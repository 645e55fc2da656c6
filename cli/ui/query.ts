import type { Expression, Field, Label } from '../../shared/query/ast.ts'
import { join, labelNamed, MAX_CHARS, negate } from '../../shared/query/make.ts'
import { parseQuery } from '../../shared/query/parse.ts'
import { printQuery } from '../../shared/query/print.ts'

/** All errors, as a query. */
export const ERRORS = 'level>=error'

/** What lines with this value of a record's field have; undefined where lines cannot be chosen by it. */
export function termOf(name: string, value: unknown, isParsed: boolean): Expression | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const text = String(value).slice(0, MAX_CHARS)
  if (isParsed) return compare({ kind: 'field', name }, typeof value === 'number' ? value : text)
  if (name === 'message') return text === '' ? undefined : { op: 'text', text, isExact: true }
  const label = labelNamed(name)
  return label === undefined
    ? undefined
    : compare({ kind: 'label', name: label }, label === 'slot' ? Number(value) : text)
}

/** A query that asks for a term, or for lines without it, too. Throws when the query is none. */
export function withTerm(query: string, term: Expression, isWanted: boolean): string {
  const one = isWanted ? term : negate(term)
  const before = parseQuery(query)
  return printQuery(before.op === 'all' ? one : join('and', [before, one]))
}

/** The same for a term in words. */
export function withQuery(query: string, term: string): string {
  return withTerm(query, parseQuery(term), true)
}

/** Lines with this text, as a query. */
export function textQuery(text: string): string {
  return printQuery({ op: 'text', text: text.slice(0, MAX_CHARS), isExact: false })
}

/** What a word of a query may become: names of labels and of fields, and their values. */
export function labelTerms(label: Label | string, values: readonly string[]): string[] {
  const known = labelNamed(label)
  const field: Field = known === undefined ? { kind: 'field', name: label } : { kind: 'label', name: known }
  return values.map((value) => printQuery(compare(field, value)))
}

function compare(field: Field, value: string | number): Expression {
  return { op: 'compare', field, by: '=', value, isExact: false }
}
