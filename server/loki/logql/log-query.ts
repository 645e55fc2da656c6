import { refused, unsupported } from '../refuse.ts'
import { readLabelTest, readMatcher } from './label-tests.ts'
import { unquote } from './literals.ts'
import type { Node } from './nodes.ts'
import { parseTemplate } from './template.ts'
import type { LabelChange, LineOperator, LineTest, LogQuery, Matcher, Stage } from './tree.ts'

/** A path into a line's fields: `a`, `a.b`, `["a"].b`. */
const PATH = /^(?:[\w-]+|\["[^"\\]+"\])(?:\.[\w-]+|\["[^"\\]+"\])*$/

/** Reads LogExpr and LogRangeExpr: a selector and stages. */
export function readLogQuery(node: Node): LogQuery {
  const [selector] = node.all('Selector')
  if (selector === undefined) throw refused('cannot search without a selector: give one such as {service="web"}')
  return {
    kind: 'log',
    matchers: selector.all('Matcher').map(readMatcher),
    stages: node.all('PipelineStage').flatMap(readStage),
  }
}

function readStage(node: Node): Stage[] {
  const part = node.children.find(({ name }) => name !== 'Pipe')
  if (part === undefined) throw new Error('BUG: an empty stage')
  switch (part.name) {
    case 'LineFilters':
      return part.all('LineFilter').map((filter) => ({ kind: 'line', test: readLineTest(filter) }))
    case 'LabelParser':
      return [{ kind: 'json', only: [] }]
    case 'LogfmtParser':
      return [{ kind: 'logfmt', only: [] }]
    case 'JsonExpressionParser':
      return [{ kind: 'json', only: part.all('LabelExtractionExpression').map(readExtraction) }]
    case 'LogfmtExpressionParser':
      return [{ kind: 'logfmt', only: part.all('LabelExtractionExpression').map(readExtraction) }]
    case 'LabelFilter':
      return [{ kind: 'filter', test: readLabelTest(part) }]
    case 'LineFormatExpr':
      return [{ kind: 'line_format', template: parseTemplate(unquote(part.need('String').text)) }]
    case 'LabelFormatExpr':
      return [{ kind: 'label_format', changes: part.all('LabelFormatMatcher').map(readChange) }]
    case 'DropLabelsExpr':
      return [{ kind: 'drop', labels: part.all('DropLabel').map(readChosen) }]
    case 'KeepLabelsExpr':
      return [{ kind: 'keep', labels: part.all('KeepLabel').map(readChosen) }]
    case 'DecolorizeExpr':
      return [{ kind: 'decolorize' }]
    default:
      throw unsupported(part.text)
  }
}

function readLineTest(node: Node): LineTest {
  const by = node.need('Filter').text as LineOperator
  return { by, texts: node.all('String').map(({ text }) => unquote(text)) }
}

function readExtraction(node: Node): { label: string; path: string } {
  const label = node.need('Identifier').text
  const path = node.child('String')
  if (path === undefined) return { label, path: label }
  const text = unquote(path.text)
  if (!PATH.test(text)) throw unsupported(`the path ${path.text}`)
  return { label, path: text.replace(/\["([^"]+)"\]/g, '.$1').replace(/^\./, '') }
}

function readChange(node: Node): LabelChange {
  const [label, other] = node.all('Identifier')
  if (label === undefined) throw new Error('BUG: label_format without a label')
  if (other !== undefined) return { label: label.text, to: { rename: other.text } }
  return { label: label.text, to: { template: parseTemplate(unquote(node.need('String').text)) } }
}

function readChosen(node: Node): { label: string; matcher?: Matcher } {
  const matcher = node.child('Matcher')
  if (matcher === undefined) return { label: node.need('Identifier').text }
  const read = readMatcher(matcher)
  return { label: read.label, matcher: read }
}
