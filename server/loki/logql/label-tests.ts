import { refused } from '../refuse.ts'
import { bytes, seconds, unquote } from './literals.ts'
import type { Node } from './nodes.ts'
import type { Comparison, LabelTest, Matcher, MatchOperator } from './tree.ts'

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  ...{ Eq: '==', Eql: '==', Neq: '!=', Gtr: '>', Gte: '>=', Lss: '<', Lte: '<=' },
}

/** Reads `label="text"`. */
export function readMatcher(node: Node): Matcher {
  const by = node.need('Eq', 'Neq', 'Re', 'Nre').text as MatchOperator
  return { label: node.need('Identifier').text, by, value: unquote(node.need('String').text) }
}

/**
 * Reads LabelFilter. The grammar nests what is joined by `and`, `or`, a comma or nothing from the left; here `and` binds before `or`.
 * What stands in parentheses is a LabelFilter with another one as its only child.
 */
export function readLabelTest(node: Node): LabelTest {
  const alternatives: LabelTest[][] = [[]]
  for (const item of chain(node)) {
    if (item.name === 'Or') alternatives.push([])
    else if (item.name !== 'And') alternatives.at(-1)?.push(readAtom(item))
  }
  return join(
    'or',
    alternatives.map((tests) => join('and', tests)),
  )
}

function chain(node: Node): Node[] {
  const tests = node.children.filter(({ name }) => name === 'LabelFilter')
  if (tests.length < 2) return [node]
  return node.children.flatMap((child) => (child.name === 'LabelFilter' ? chain(child) : [child]))
}

function readAtom(node: Node): LabelTest {
  const [part] = node.children
  if (part === undefined) throw new Error('BUG: an empty label filter')
  if (part.name === 'LabelFilter') return readLabelTest(part)
  if (part.name === 'Matcher') return { kind: 'match', matcher: readMatcher(part) }
  return readNumber(part.name === 'UnitFilter' ? part.need('DurationFilter', 'BytesFilter') : part)
}

function readNumber(node: Node): LabelTest {
  const operator = node.children.find(({ name }) => name in COMPARISONS)
  const by = COMPARISONS[operator?.name ?? '']
  if (by === undefined) throw new Error(`BUG: no comparison in ${node.text}`)
  const head = { kind: 'number', label: node.need('Identifier').text, by } as const
  if (node.name === 'DurationFilter') return { ...head, unit: 'duration', value: known(node, seconds, 'Duration') }
  if (node.name === 'BytesFilter') return { ...head, unit: 'bytes', value: known(node, bytes, 'Bytes') }
  return { ...head, unit: 'number', value: Number(node.need('LiteralExpr').text.replaceAll(' ', '')) }
}

function known(node: Node, read: (text: string) => number | undefined, name: string): number {
  const { text } = node.need(name)
  const value = read(text)
  if (value === undefined) throw refused(`cannot read '${text}': give a length such as 10s, or a size such as 5MB`)
  return value
}

function join(kind: 'and' | 'or', of: readonly LabelTest[]): LabelTest {
  const [first] = of
  return of.length === 1 && first !== undefined ? first : { kind, of }
}
