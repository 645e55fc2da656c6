import type { Expression } from '../../shared/query/ast.ts'
import { matcherOf } from '../query/matches.ts'
import type { Filter } from '../query/query.ts'
import { requiredTexts } from '../query/required.ts'

/** Takes all lines of the streams of which some may match: what is asked of a line may stand in another one of its event. */
export function streamsOf(filter: Filter): Filter {
  const { where, ...others } = filter
  const { accepts } = filter
  const all = { ...others, grep: '' }
  if (where === undefined) return all
  const { stream: verdict } = matcherOf(where)
  return { ...all, accepts: (stream) => (accepts?.(stream) ?? true) && verdict(stream) !== false }
}

/** What at least one line of each event that the filter takes meets, so that the store can find where they are; undefined where nothing is known of it. */
export function pivotOf(filter: Filter): Filter | undefined {
  const texts = requiredTexts(filter).filter((text) => text !== '' && !text.includes('\n'))
  const [longest] = texts.sort((a, b) => b.length - a.length)
  if (longest !== undefined) return { ...streamsOf(filter), grep: longest }
  const { where } = filter
  if (where === undefined) return undefined
  const condition = (where.op === 'and' ? where.of : [where]).find(isOfOneLine)
  return condition && { ...streamsOf(filter), where: condition }
}

/** Whether an event meets it only where one of its lines does: its level and its fields are those of a line, and a text stands in one. */
function isOfOneLine(expression: Expression): boolean {
  switch (expression.op) {
    case 'all':
    case 'not':
    case 'and':
      return false
    case 'or':
      return expression.of.every(isOfOneLine)
    case 'text':
      return !expression.text.includes('\n')
    default:
      return expression.field.kind === 'field' || expression.field.name === 'level'
  }
}
