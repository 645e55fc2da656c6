import type { Condition } from '../../../shared/query/ast.ts'
import { patternParts } from '../../../shared/query/words.ts'
import { MAX_KEY } from './fields.ts'
import { MAX_KEYWORD } from './mapping.ts'
import { allOf, exactly, roughly, type Sieve, UNKNOWN } from './sieve.ts'

/** No value of a line that is not in doubt comes after this. */
const LAST = '\u{10ffff}'
const ASCII = /^[\x01-\x7f]*$/

/**
 * What the index says about a field of the lines, whose values it has as texts. Where it passes over the case, that is that of ASCII, in the
 * name, too: lines with names that differ in case alone are in doubt.
 */
export function fieldSieve(condition: Condition, name: string): Sieve {
  // A star would stand for other names.
  const isIndexed = name !== '' && name.length <= MAX_KEY && name.isWellFormed() && !/[*\0]/.test(name)
  if (!isIndexed) return UNKNOWN
  const isThere = exactly({ exists: { field: `fields.${name}` } }, 'swarmlogs.fields_partly')
  switch (condition.op) {
    case 'exists':
      return isThere
    case 'compare':
      return compareSieve(condition, name, isThere)
    case 'glob':
      return globSieve(condition.pattern, name, isThere)
    default:
      return inexact(isThere)
  }
}

type Compare = Extract<Condition, { readonly op: 'compare' }>

function compareSieve({ by, value, isExact }: Compare, name: string, isThere: Sieve): Sieve {
  // Other ways to write the number put a line in doubt.
  if (typeof value === 'number') return by === '=' ? of('term', name, { value: String(value) }) : inexact(isThere)
  if (!value.isWellFormed() || value.includes('\0') || value.includes(LAST)) return inexact(isThere)
  if (by !== '=') return of('range', name, rangeOf(by, value))
  if (value.length > MAX_KEYWORD) return exactly(false, 'swarmlogs.fields_partly')
  if (isExact || /^[0-9.]*$/.test(value)) return of('term', name, { value })
  if (!ASCII.test(value)) return inexact(isThere)
  return allOf([isThere, of('term', name, { value, case_insensitive: true })])
}

/** Both ends are needed, as other names have values, too. */
function rangeOf(by: '>' | '>=' | '<' | '<=', value: string): object {
  return { gte: '', lte: LAST, ...ONE_END[by](value) }
}

const ONE_END: Readonly<Record<'>' | '>=' | '<' | '<=', (value: string) => object>> = {
  '>': (gt) => ({ gte: undefined, gt }),
  '>=': (gte) => ({ gte }),
  '<': (lt) => ({ lte: undefined, lt }),
  '<=': (lte) => ({ lte }),
}

function globSieve(pattern: string, name: string, isThere: Sieve): Sieve {
  const [first, second, ...more] = patternParts(pattern)
  if (first?.kind !== 'text') return inexact(isThere)
  const [value = ''] = /^[\x01-\x7f]*/.exec(first.text) ?? []
  if (value === '') return inexact(isThere)
  const begins = allOf([isThere, of('prefix', name, { value, case_insensitive: true })])
  return value === first.text && second?.kind === 'any' && more.length === 0 ? begins : inexact(begins)
}

function of(kind: 'term' | 'prefix' | 'range', name: string, asked: object): Sieve {
  return exactly({ [kind]: { [`fields.${name}`]: asked } }, 'swarmlogs.fields_partly')
}

function inexact({ query, doubts }: Sieve): Sieve {
  return roughly(query, ...doubts)
}
