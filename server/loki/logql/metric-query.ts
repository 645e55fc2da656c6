import { refused, unsupported } from '../refuse.ts'
import { nanoseconds } from './literals.ts'
import { readLogQuery } from './log-query.ts'
import type { Node } from './nodes.ts'
import {
  AGGREGATIONS,
  type Aggregation,
  type BinaryOperator,
  type Grouping,
  type MetricQuery,
  RANGE_OPERATORS,
  type RangeOperator,
  type RangeQuery,
} from './tree.ts'

/** How tightly operators bind; the grammar tells nothing of it. */
const STRENGTH: Readonly<Record<BinaryOperator, number>> = {
  ...{ '==': 1, '!=': 1, '>': 1, '>=': 1, '<': 1, '<=': 1 },
  ...{ '+': 2, '-': 2, '*': 3, '/': 3, '%': 3, '^': 4 },
}
const OPERATORS = new Set(['Add', 'Sub', 'Mul', 'Div', 'Mod', 'Pow', 'Eql', 'Neq', 'Gtr', 'Gte', 'Lss', 'Lte'])

interface Operator {
  readonly by: BinaryOperator
  readonly isBool: boolean
}

/** Reads MetricExpr. */
export function readMetric(node: Node): MetricQuery {
  const [part] = node.children
  if (part === undefined) throw refused(`cannot read '${node.text}': it is empty`)
  switch (part.name) {
    case 'MetricExpr':
      return readMetric(part)
    case 'LiteralExpr':
      return { kind: 'number', value: Number(part.text.replaceAll(' ', '')) }
    case 'VectorExpr':
      return { kind: 'vector', value: Number(part.need('Number').text) }
    case 'RangeAggregationExpr':
      return readRange(part)
    case 'VectorAggregationExpr':
      return readAggregation(part)
    case 'BinOpExpr':
      return readChain(part)
    default:
      throw unsupported(part.text)
  }
}

function readRange(node: Node): RangeQuery {
  const by = RANGE_OPERATORS.find((name) => name === node.need('RangeOp').text) as RangeOperator | undefined
  if (by === undefined) throw unsupported(node.need('RangeOp').text)
  if (node.child('Grouping') !== undefined) throw unsupported(`'${node.need('Grouping').text}' on ${by}`)
  const lines = node.need('LogRangeExpr')
  const range = nanoseconds(lines.all('Range')[0]?.all('Duration')[0]?.text ?? '0')
  if (range <= 0n) throw refused(`cannot count over [${lines.all('Range')[0]?.text ?? ''}]: give a range such as [5m]`)
  const offset = lines.all('OffsetExpr')[0]
  return {
    kind: 'range',
    by,
    query: readLogQuery(lines),
    range,
    offset: offset === undefined ? 0n : nanoseconds(offset.need('Duration').text),
  }
}

function readAggregation(node: Node): MetricQuery {
  const by = AGGREGATIONS.find((name) => name === node.need('VectorOp').text) as Aggregation | undefined
  if (by === undefined) throw unsupported(node.need('VectorOp').text)
  const count = node.child('Number')
  if (by === 'topk' && count === undefined) throw refused('cannot evaluate topk without a number: topk(5, ...)')
  const grouping = node.child('Grouping')
  return {
    kind: 'aggregate',
    by,
    count: Math.trunc(Number(count?.text ?? 0)),
    ...(grouping && { grouping: readGrouping(grouping) }),
    of: readMetric(node.need('MetricExpr')),
  }
}

function readGrouping(node: Node): Grouping {
  const kind = node.child('By') === undefined ? 'without' : 'by'
  return { kind, labels: node.all('Identifier').map(({ text }) => text) }
}

/** Operands and operators in the order of the text, then joined by strength. */
function readChain(node: Node): MetricQuery {
  const items = flatten(node)
  let at = 0
  const climb = (least: number): MetricQuery => {
    let left = items[at++] as MetricQuery
    for (;;) {
      const operator = items[at] as Operator | undefined
      if (operator === undefined || STRENGTH[operator.by] < least) return left
      at++
      const right = climb(operator.by === '^' ? STRENGTH[operator.by] : STRENGTH[operator.by] + 1)
      left = { kind: 'binary', ...operator, left, right }
    }
  }
  return climb(0)
}

function flatten(node: Node): (MetricQuery | Operator)[] {
  const isBool = node.child('BinOpModifier')?.child('Bool') !== undefined
  return node.children.flatMap((child): (MetricQuery | Operator)[] => {
    if (OPERATORS.has(child.name)) return [{ by: child.text as BinaryOperator, isBool }]
    if (child.name !== 'Expr') return []
    const metric = child.child('MetricExpr')
    if (metric === undefined) throw refused(`cannot calculate with lines: count them first, ${child.text}`)
    // What stands in parentheses is a MetricExpr of its own within.
    const inner = metric.child('BinOpExpr')
    return inner === undefined ? [readMetric(metric)] : flatten(inner)
  })
}
