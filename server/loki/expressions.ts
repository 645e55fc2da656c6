import type { CompareExpression, Expression } from '../../shared/query/ast.ts'
import type { Level } from '../../shared/record.ts'
import { isStored } from './labels.ts'
import type { LabelTest, LineTest, Stage } from './logql/tree.ts'

/** Only these names of labels stand for one name of a field: `_` can be anything. */
const PLAIN = /^[A-Za-z][A-Za-z0-9]*$/

/** What a store must look for to find exactly the lines that pass. */
export function lineExpression({ by, texts }: LineTest): Expression {
  const isRegex = by === '|~' || by === '!~'
  const parts = texts.map((text): Expression => {
    if (!isRegex) return { op: 'text', text, isExact: true }
    return { op: 'regex', field: { kind: 'label', name: 'message' }, source: text, isInsensitive: false }
  })
  const any = anyOf(parts)
  return by === '|=' || by === '|~' ? any : { op: 'not', of: any }
}

/** What a store must look for to find lines of these levels. */
export function levelExpression(levels: ReadonlySet<Level>): Expression {
  const field = { kind: 'label', name: 'level' } as const
  const parts = [...levels].map((level): Expression => {
    if (level === '') return { op: 'not', of: { op: 'exists', field } }
    return { op: 'compare', field, by: '=', value: level, isExact: true }
  })
  return anyOf(parts)
}

function anyOf(parts: readonly Expression[]): Expression {
  const [first] = parts
  return parts.length === 1 && first !== undefined ? first : { op: 'or', of: parts }
}

/** What a store may look for to find all lines that pass the filters of parsed fields, and perhaps others. */
export function fieldExpressions(stages: readonly Stage[]): Expression[] {
  const found: Expression[] = []
  let isParsed = false
  for (const stage of stages) {
    if (stage.kind === 'label_format') return found
    if (stage.kind === 'json' || stage.kind === 'logfmt') {
      if (stage.only.length > 0) return found
      isParsed = true
    } else if (stage.kind === 'filter' && isParsed) found.push(...(fieldExpression(stage.test) ?? []))
  }
  return found
}

/** A list of one, or none where the store cannot tell. */
function fieldExpression(test: LabelTest): [Expression] | undefined {
  if ('of' in test) {
    const parts = test.of.map(fieldExpression)
    const known = parts.flatMap((part) => part ?? [])
    if (known.length === 0 || (test.kind === 'or' && known.length < parts.length)) return undefined
    return [known.length === 1 && known[0] !== undefined ? known[0] : { op: test.kind, of: known }]
  }
  const name = test.kind === 'match' ? test.matcher.label : test.label
  if (!PLAIN.test(name) || isStored(name)) return undefined
  const field = { kind: 'field', name } as const
  if (test.kind === 'number') return [{ op: 'exists', field }]
  const { by, value } = test.matcher
  if (by !== '=' || value === '') return undefined
  const texts: CompareExpression = { op: 'compare', field, by: '=', value, isExact: true }
  const number = Number(value)
  if (value.trim() === '' || !Number.isFinite(number)) return [texts]
  return [{ op: 'or', of: [texts, { ...texts, value: number, isExact: false }] }]
}
