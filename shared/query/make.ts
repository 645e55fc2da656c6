import type { CompareExpression, Expression, Field, Label } from './ast.ts'
import { LABELS_OF_ANSWERS, LINE_LABELS, STREAM_LABELS } from './ast.ts'
import { unusable } from './error.ts'
import { levelNamed } from './levels.ts'
import { compileRegex } from './regex.ts'
import { isGlob, patternOf, plainText } from './words.ts'

/** Longest text, value, pattern and name of a condition, in characters. */
export const MAX_CHARS = 512
/** Longest regex, in characters. */
export const MAX_REGEX_CHARS = 1000
/** Numbers of more characters may lose digits: they are texts, in lines too. */
const EXACT_DIGITS = 15
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/
const MESSAGE: Field = { kind: 'label', name: 'message' }

type By = CompareExpression['by']

/** What stands behind the name of a field, as the grammar reads it; `at` is where each begins. */
export interface Comparison {
  readonly by: ':' | '!=' | By
  readonly at: number
  readonly value:
    | Value
    | { readonly kind: 'everything' }
    | { readonly kind: 'regex'; readonly source: string; readonly isInsensitive: boolean; readonly at: number }
    | {
        readonly kind: 'range'
        readonly at: number
        readonly from: Value | undefined
        readonly to: Value | undefined
        readonly fromInclusive: boolean
        readonly toInclusive: boolean
      }
}

type Quoted = { readonly kind: 'quoted'; readonly text: string; readonly isExact: boolean; readonly at: number }
type Value = Quoted | { readonly kind: 'bare'; readonly raw: string; readonly at: number }
type RegexValue = Extract<Comparison['value'], { kind: 'regex' }>
type RangeValue = Extract<Comparison['value'], { kind: 'range' }>

const LABELS = new Map<string, Label>([
  ...[...STREAM_LABELS, ...LINE_LABELS].map((label) => [label, label] as const),
  ...Object.entries(LABELS_OF_ANSWERS),
])

/** Which label a name is, its own or that of answers; undefined when it is none. */
export function labelNamed(name: string): Label | undefined {
  return LABELS.get(name)
}

/** Makes one of several: those that are of the same kind are taken apart. */
export function join(op: 'and' | 'or', of: readonly Expression[]): Expression {
  const [only, ...others] = of
  if (only !== undefined && others.length === 0) return only
  return { op, of: of.flatMap((one) => (one.op === op ? one.of : [one])) }
}

export function negate(of: Expression): Expression {
  return { op: 'not', of }
}

/** A text that the message holds. */
export function text({ text, isExact, at }: Quoted): Expression {
  return part(text, isExact, at)
}

/** A word that the message holds; with `*` in it, its parts in this order. */
export function word(raw: string, at: number): Expression {
  if (!isGlob(raw, '*')) return part(plainText(raw), false, at)
  const pattern = patternOf(`*${raw}*`, '*')
  return pattern === '*' ? { op: 'all' } : glob(MESSAGE, pattern, at)
}

/** An expression that matches in the message. */
export function regex(value: RegexValue): Expression {
  return regexIn(MESSAGE, value)
}

/** What a field must be. */
export function condition(
  { name, isQuoted }: { readonly name: string; readonly isQuoted: boolean },
  { by, at, value }: Comparison,
  begin: number,
): Expression {
  mustFit(name, begin)
  const label = isQuoted ? undefined : labelNamed(name)
  const field: Field = label === undefined ? { kind: 'field', name } : { kind: 'label', name: label }
  if (by === '!=') return negate(condition({ name, isQuoted }, { by: '=', at, value }, begin))
  if (value.kind === 'everything') return { op: 'exists', field }
  if (value.kind === 'range') return range(field, value)
  if (value.kind === 'regex') return regexIn(field, value)
  if (by === ':' || by === '=') return equal(field, value, by === ':')
  mustHaveOrder(field, by, at)
  return compare(field, by, value)
}

function part(value: string, isExact: boolean, at: number): Expression {
  mustFit(value, at)
  if (value === '') throw unusable(at, 'empty text', 'give at least one character')
  return { op: 'text', text: value, isExact }
}

function range(field: Field, { from, to, fromInclusive, toInclusive, at }: RangeValue): Expression {
  if (from !== undefined || to !== undefined) mustHaveOrder(field, 'a range', at)
  const bounds = [
    ...(from === undefined ? [] : [compare(field, fromInclusive ? '>=' : '>', from)]),
    ...(to === undefined ? [] : [compare(field, toInclusive ? '<=' : '<', to)]),
  ]
  const [first, second] = bounds
  if (first?.op === 'compare' && second?.op === 'compare' && typeof first.value !== typeof second.value)
    throw unusable(at, 'a range from a number to a text', 'give two numbers or two texts')
  return bounds.length === 0 ? { op: 'exists', field } : join('and', bounds)
}

/** `:` and `=` are the same but for the message, of which `:` asks for a part. */
function equal(field: Field, value: Value, isPart: boolean): Expression {
  if (field.name === 'level' && field.kind === 'label') return level(field, value)
  if (value.kind === 'bare' && isGlob(value.raw, '*?')) {
    mustBeText(field, value.at)
    const pattern = patternOf(value.raw, '*?')
    return pattern === '*' ? { op: 'exists', field } : glob(field, pattern, value.at)
  }
  if (isPart && field.kind === 'label' && field.name === 'message') {
    return part(textOf(value), value.kind === 'quoted' && value.isExact, value.at)
  }
  return compare(field, '=', value)
}

function level(field: Field, value: Value): Expression {
  const isNone = textOf(value).toLowerCase() === 'none'
  return isNone ? negate({ op: 'exists', field }) : compare(field, '=', value)
}

function compare(field: Field, by: By, given: Value): CompareExpression {
  const { at } = given
  if (given.kind === 'bare' && isGlob(given.raw, '*?') && field.kind === 'field')
    throw unusable(at, `a pattern behind ${by}`, 'give a value, in quotes where it has * or ?')
  const value = valueFor(field, given)
  const isExact = given.kind === 'quoted' && given.isExact
  if (isExact && (by !== '=' || isOrdered(field))) throw unusable(at, 'a c behind this value', 'leave it out')
  return { op: 'compare', field, by, value, isExact }
}

function valueFor(field: Field, given: Value): string | number {
  const { at } = given
  const value = textOf(given)
  mustFit(value, at)
  if (field.kind === 'field') return given.kind === 'bare' ? (numberOf(given.raw) ?? value) : value
  if (field.name === 'level') {
    const known = levelNamed(value)
    if (known !== undefined) return known
    throw unusable(
      at,
      `unknown level ${JSON.stringify(value)}`,
      'expected trace, debug, info, warn, error, fatal or none',
    )
  }
  if (field.name === 'slot') {
    const number = numberOf(value)
    if (number !== undefined) return number
    throw unusable(at, `slot ${JSON.stringify(value)}`, 'expected a number')
  }
  if (field.name === 'source' && value !== 'stdout' && value !== 'stderr')
    throw unusable(at, `unknown source ${JSON.stringify(value)}`, 'expected stdout or stderr')
  return value
}

function regexIn(field: Field, { source, isInsensitive, at }: RegexValue): Expression {
  mustBeText(field, at)
  if (source.length > MAX_REGEX_CHARS)
    throw unusable(at, 'a regex that is too long', `give at most ${MAX_REGEX_CHARS} characters`)
  mustBeSound(source, at)
  const plain = source.replaceAll(/\\(.)/gsu, (pair, escaped) => (escaped === '/' ? '/' : pair))
  try {
    compileRegex(plain, isInsensitive)
  } catch (error) {
    throw unusable(at, 'a regex that cannot be used', error instanceof Error ? error.message : String(error))
  }
  return { op: 'regex', field, source: plain, isInsensitive }
}

function glob(field: Field, pattern: string, at: number): Expression {
  mustFit(pattern, at)
  return { op: 'glob', field, pattern }
}

/** Labels that are texts are compared by : and = only. */
function mustHaveOrder(field: Field, what: string, at: number): void {
  if (field.kind === 'field' || isOrdered(field)) return
  throw unusable(at, `${what} behind ${field.name}`, 'it is a text: expected : or =')
}

function mustBeText(field: Field, at: number): void {
  if (isOrdered(field)) throw unusable(at, `a pattern behind ${field.name}`, 'give a value, or a range')
}

function isOrdered({ kind, name }: Field): boolean {
  return kind === 'label' && (name === 'level' || name === 'slot')
}

function textOf(value: Value): string {
  return value.kind === 'quoted' ? value.text : plainText(value.raw)
}

function numberOf(raw: string): number | undefined {
  if (raw.length > EXACT_DIGITS || !NUMBER.test(raw)) return undefined
  const number = Number(raw)
  // -0 is 0 to all who compare.
  return Number.isFinite(number) ? number + 0 : undefined
}

function mustFit(value: string, at: number): void {
  if (value.length > MAX_CHARS) throw unusable(at, 'a text that is too long', `give at most ${MAX_CHARS} characters`)
  mustBeSound(value, at)
}

function mustBeSound(value: string, at: number): void {
  if (!value.isWellFormed() || value.includes('\0'))
    throw unusable(at, 'a text with NUL or half a character', 'leave that out')
}
