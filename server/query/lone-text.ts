import type { Expression } from '../../shared/query/ast.ts'
import { lower } from './filter.ts'
import { fieldOf, isOfStream, type Line, matcherOf } from './matches.ts'
import type { Filter } from './query.ts'

/** A filter that asks of the message only whether one text is in it. */
export interface LoneText {
  /** In lower case. */
  readonly text: string
  /** The rest of what `Filter.where` asks. */
  readonly holds: (line: Pick<Line, 'stream' | 'source' | 'level'>) => boolean
}

/** The one text that a filter looks for, where stream, source and level tell the rest; undefined where they do not. */
export function loneText({ grep, where = { op: 'all' } }: Filter): LoneText | undefined {
  const members = where.op === 'and' ? where.of : [where]
  const texts = members.flatMap((one) => (one.op === 'text' && !one.isExact ? [one.text] : []))
  const others = members.filter((one) => one.op !== 'text' || one.isExact)
  const [text, more] = grep === '' ? texts : [grep, ...texts]
  if (text === undefined || more !== undefined || !others.every(isOfGroup)) return undefined
  const { line } = matcherOf({ op: 'and', of: others })
  return { text: lower(text), holds: (one) => line({ ...one, message: '', fields: '' }) }
}

/** Whether all lines of the same stream, source and level meet an expression, or none. */
function isOfGroup(expression: Expression): boolean {
  if (expression.op === 'all') return true
  if (expression.op === 'not') return isOfGroup(expression.of)
  if ('of' in expression) return expression.of.every(isOfGroup)
  const field = fieldOf(expression)
  return isOfStream(field) || (field.kind === 'label' && field.name !== 'message')
}
