import type { Expression } from './ast.ts'
import { QueryError, unusable } from './error.ts'
import { type GrammarError, parse, SyntaxError as Unexpected } from './grammar.js'
import * as make from './make.ts'

/** Longest query, in characters. */
export const MAX_QUERY_CHARS = 8192
/** Most conditions of a query. */
export const MAX_TERMS = 200
const TERM = 'a word, a "phrase", a /regex/, field:value, or several of them in parentheses'
/** How deep parentheses may nest. */
export const MAX_DEPTH = 32

/** Reads a query; '' is all. Throws a QueryError, which says where it goes wrong and what was expected there. */
export function parseQuery(text: string): Expression {
  if (text.length > MAX_QUERY_CHARS)
    throw unusable(MAX_QUERY_CHARS, 'a query that is too long', `give at most ${MAX_QUERY_CHARS} characters`)
  const expression = read(text)
  const terms = countTerms(expression)
  if (terms > MAX_TERMS)
    throw unusable(0, `${terms} conditions`, `give at most ${MAX_TERMS}, or a regex for several of them`)
  return expression
}

function read(text: string): Expression {
  let depth = 0
  const open = (at: number): void => {
    if (++depth > MAX_DEPTH) throw unusable(at, 'a parenthesis too deep', `nest at most ${MAX_DEPTH}`)
  }
  const close = (): void => void depth--
  try {
    return parse(text, { make: { ...make, open, close } })
  } catch (error) {
    throw error instanceof Unexpected ? unexpected(text, error) : error
  }
}

/** How many conditions an expression has. */
export function countTerms(expression: Expression): number {
  if (expression.op === 'not') return countTerms(expression.of)
  if (expression.op !== 'and' && expression.op !== 'or') return 1
  return expression.of.reduce((sum, one) => sum + countTerms(one), 0)
}

function unexpected(text: string, error: GrammarError): QueryError {
  const at = error.location.start.offset
  if (isTermMissing(error)) return unusable(at, 'a term is missing', `give ${TERM}`)
  const found = error.found === null ? 'end' : JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0))
  return new QueryError(at, (place) => `unexpected ${found} at ${place}: expected ${expectations(error)}`, {
    cause: error,
  })
}

/** Where there is none of the things that a term can be, and nothing else instead. */
function isTermMissing({ expected, found }: GrammarError): boolean {
  const mayEnd = expected.some(({ type }) => type === 'end')
  return !mayEnd && (found === null || found === ')') && expected.some(({ description }) => description === 'a word')
}

/** What people would call it; the signs that begin what is named anyway are left out. */
function expectations({ expected }: GrammarError): string {
  const names = new Set<string>()
  for (const { type, description, text } of expected) {
    if (type === 'other' && description !== undefined) names.add(description)
    else if (type === 'literal' && text !== undefined && /^[)\]"/]/.test(text)) names.add(JSON.stringify(text))
    else if (type === 'end') names.add('the end')
  }
  const list = [...names]
  const last = list.pop() ?? 'something else'
  return list.length === 0 ? last : `${list.join(', ')} or ${last}`
}
