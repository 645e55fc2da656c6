import type { Expression, RegexExpression } from '../../shared/query/ast.ts'
import { lower } from './filter.ts'
import type { Filter } from './query.ts'

/** Texts, in lower case, all of which are in the message of every line that the filter takes: by them a store can pass over lines unread. */
export function requiredTexts({ grep, where }: Filter): readonly string[] {
  const texts = where === undefined ? [] : textsOf(where)
  return grep === '' ? texts : [lower(grep), ...texts]
}

function textsOf(expression: Expression): string[] {
  switch (expression.op) {
    case 'and':
      return expression.of.flatMap(textsOf)
    case 'text':
      return [lower(expression.text)]
    case 'regex':
      return isMessage(expression) ? literalsOf(expression) : []
    case 'glob':
      return isMessage(expression) ? lower(expression.pattern.replaceAll(/\\./gs, '*')).split(/[*?]/) : []
    default:
      // Of alternatives, and of what must not be there, nothing is required.
      return []
  }
}

function isMessage({ field }: { readonly field: RegexExpression['field'] }): boolean {
  return field.kind === 'label' && field.name === 'message'
}

/** What an expression of RE2 is made of: escapes, classes, groups' ends, repeats (lazy ones, too), letters. */
const TOKENS =
  /\\(?:[pP]\{[^}]*\}|x\{[^}]*\}|x[0-9a-fA-F]{2}|[0-7]{1,3}|[\s\S])|\[\^?\]?(?:\[:\^?\w+:\]|\\[\s\S]|[^\]\\])*\]|\(\?(?:P?<\w+>|[a-zA-Z-]*[):])|[()|]|[*+?]\??|\{\d+(?:,\d*)?\}\??|[\s\S]/gu

/** Texts, in lower case, that are in whatever the expression matches; few where it is not simple. */
function literalsOf({ source, isInsensitive }: RegexExpression): string[] {
  const folds = isInsensitive || /\(\?[a-zA-Z]*i/.test(source)
  const texts = ['']
  let depth = 0
  // Within quotes signs mean themselves, and behind flags a repeat is of what stands before them.
  if (source.includes('\\Q') || /.\(\?[a-zA-Z-]*\)/s.test(source)) return []
  for (const [token] of source.matchAll(TOKENS)) {
    if (token === '|' && depth === 0) return []
    if (token === ')') depth--
    const literal = depth === 0 ? literalOf(token, folds) : undefined
    // Of what may be missing the last sign is none.
    if (depth === 0 && /^([*?]|\{)/.test(token) && token !== '{') texts.push(texts.pop()?.slice(0, -1) ?? '')
    if (literal === undefined) texts.push('')
    else texts.push((texts.pop() ?? '') + literal)
    if (token.startsWith('(') && token.at(-1) !== ')') depth++
  }
  return lower(texts.join('\n')).split('\n')
}

/** The sign that a token stands for; undefined when it is none, or one of several. */
function literalOf(token: string, folds: boolean): string | undefined {
  const sign = /^\\[^\w\s]$/.test(token) ? token.slice(1) : token
  if (sign.length !== 1 || /[\0-\x1f\x7f-\uffff]/.test(sign)) return undefined
  // A long s is an s there, but not in lower case.
  if (folds && /s/i.test(sign)) return undefined
  return sign === token && /[.^$*+?()[\]{}|\\]/.test(token) ? undefined : sign
}
