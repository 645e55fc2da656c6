import type { CompareExpression, Expression, Field } from './ast.ts'
import { labelNamed } from './make.ts'

const BARE_NAME = /^[a-zA-Z_@][a-zA-Z0-9_@./-]*$/
const BARE_WORD = /^[\p{L}\p{N}_][\p{L}\p{N}_.,+%#-]*$/u
const KEYWORDS = new Set(['AND', 'OR', 'NOT'])

/** The query as text, in one form: parsed again it gives the same expression. */
export function printQuery(expression: Expression): string {
  return expression.op === 'all' ? '' : print(expression)
}

function print(expression: Expression): string {
  switch (expression.op) {
    case 'all':
      return '*'
    case 'and':
      return expression.of.map((one) => (one.op === 'or' ? `(${print(one)})` : print(one))).join(' ')
    case 'or':
      return expression.of.map(print).join(' OR ')
    case 'not':
      return `-${printWithin(expression.of)}`
    case 'text':
      return printText(expression.text, expression.isExact)
    case 'regex':
      return `${isMessage(expression.field) ? '' : `${printField(expression.field)}:`}${printRegex(expression)}`
    case 'compare':
      return printComparison(expression)
    case 'glob':
      return `${printField(expression.field)}:${printPattern(expression.pattern)}`
    case 'exists':
      return `${printField(expression.field)}:*`
  }
}

function printWithin(expression: Expression): string {
  const { op } = expression
  return op === 'and' || op === 'or' || op === 'not' ? `(${print(expression)})` : print(expression)
}

function printText(text: string, isExact: boolean): string {
  return !isExact && isBare(text) ? text : quote(text, isExact)
}

function printComparison({ field, by, value, isExact }: CompareExpression): string {
  // Of the message `:` would ask for a part.
  const sign = by === '=' && !isMessage(field) ? ':' : by
  const isPlain =
    typeof value === 'number' || (!isExact && isBare(value) && !(field.kind === 'field' && isNumber(value)))
  return `${printField(field)}${sign}${isPlain ? value : quote(value, isExact)}`
}

function printField({ kind, name }: Field): string {
  if (kind === 'label') return name
  return BARE_NAME.test(name) && labelNamed(name) === undefined ? name : quote(name, false)
}

function printRegex({ source, isInsensitive }: { readonly source: string; readonly isInsensitive: boolean }): string {
  return `/${source.replaceAll(/\\.|\//gsu, (part) => (part === '/' ? '\\/' : part))}/${isInsensitive ? 'i' : ''}`
}

/** What would end a bare word, or begin something else in its place, gets a `\`. */
function printPattern(pattern: string): string {
  return pattern.replaceAll(/\\.|[^*?\p{L}\p{N}]/gsu, (part) =>
    part.length > 1 && part.startsWith('\\') ? part : `\\${part}`,
  )
}

function quote(text: string, isExact: boolean): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"${isExact ? 'c' : ''}`
}

function isBare(text: string): boolean {
  return BARE_WORD.test(text) && !KEYWORDS.has(text)
}

function isNumber(text: string): boolean {
  return /^-?[0-9]/.test(text)
}

function isMessage({ kind, name }: Field): boolean {
  return kind === 'label' && name === 'message'
}
