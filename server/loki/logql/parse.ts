import { parser } from '@grafana/lezer-logql'
import type { SyntaxNodeRef } from '@lezer/common'
import { refused, unsupported } from '../refuse.ts'
import { readLogQuery } from './log-query.ts'
import { readMetric } from './metric-query.ts'
import { Node } from './nodes.ts'
import type { LogQl, LogQuery, Matcher } from './tree.ts'

/** Longest query that is read. */
export const MAX_QUERY_CHARS = 16_384
const MAX_DEPTH = 200

/** Nodes of the grammar that stand for what is not there. */
const UNSUPPORTED = new Set([
  ...['Ip', 'PipePattern', 'Npa', 'Unpack', 'Pattern', 'Regexp', 'Unwrap', 'ParserFlag', 'LabelReplace'],
  ...['On', 'Ignoring', 'GroupLeft', 'GroupRight'],
  ...['Stddev', 'Stdvar', 'Bottomk', 'Sort', 'Sort_Desc', 'Approx_Topk', 'ApproxCountDistinct', 'LabelAggOp'],
  ...['RateCounter', 'AvgOverTime', 'SumOverTime', 'MinOverTime', 'MaxOverTime', 'StddevOverTime', 'StdvarOverTime'],
  ...['QuantileOverTime', 'FirstOverTime', 'LastOverTime', 'AbsentOverTime'],
])
/** They join label filters as well. */
const SET_OPERATORS = new Set(['And', 'Or', 'Unless'])

/** Reads LogQL. Throws a Problem (400) that names the place, or the construct that is not supported. */
export function parseLogQl(source: string): LogQl {
  if (source.trim() === '') throw refused('cannot search without a query: give one such as {service="web"} |= "error"')
  if (source.length > MAX_QUERY_CHARS)
    throw refused(`cannot read a query of over ${MAX_QUERY_CHARS} characters: shorten it`)
  const tree = parser.parse(source)
  let depth = 0
  tree.iterate({
    enter: (node) => {
      if (++depth > MAX_DEPTH)
        throw refused(`cannot read the query: it is nested deeper than ${MAX_DEPTH}; simplify it`)
      check(node, source)
    },
    leave: () => {
      depth--
    },
  })
  const expression = new Node(tree.topNode, source).need('Expr')
  const log = expression.child('LogExpr')
  return log === undefined ? readMetric(expression.need('MetricExpr')) : readLogQuery(log)
}

/** Reads a query for lines. */
export function parseLogQuery(source: string): LogQuery {
  const query = parseLogQl(source)
  if (query.kind === 'log') return query
  throw refused('cannot take numbers over time here: give a query for lines, such as {service="web"}')
}

/** Reads a choice of streams, `{}` for all included. */
export function parseSelector(source: string): readonly Matcher[] {
  if (/^\s*(?:\{\s*\}\s*)?$/.test(source)) return []
  return parseLogQuery(source).matchers
}

function check(node: SyntaxNodeRef, source: string): void {
  const text = source.slice(node.from, node.to)
  if (node.type.isError) throw wrongAt(source, node.from)
  if (UNSUPPORTED.has(node.name)) throw unsupported(text)
  if (SET_OPERATORS.has(node.name) && node.node.parent?.name === 'BinOpExpr')
    throw unsupported(`'${text}' between numbers`)
}

function wrongAt(source: string, at: number): Error {
  if (/^\s*unwrap\b/.test(source.slice(at))) return unsupported('unwrap')
  if (/^\s*\{\s*\}/.test(source)) return refused('cannot search all streams: name a label, such as {service=~".+"}')
  const next = source.slice(at, at + 20)
  return refused(`cannot read the query: unexpected ${next === '' ? 'end' : JSON.stringify(next)} at ${at + 1}`)
}
