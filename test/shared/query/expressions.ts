import fc from 'fast-check'
import { type Expression, type Field, LINE_LABELS, STREAM_LABELS } from '../../../shared/query/ast.ts'
import { join, negate } from '../../../shared/query/make.ts'
import { patternOf } from '../../../shared/query/words.ts'
import { LEVELS } from '../../../shared/record.ts'

/** What random conditions are made of. */
export interface Words {
  readonly texts: fc.Arbitrary<string>
  readonly patterns: fc.Arbitrary<string>
  readonly regexes: fc.Arbitrary<string>
  readonly numbers: fc.Arbitrary<number>
  readonly fields: fc.Arbitrary<string>
}

const ORDERS = ['>', '>=', '<', '<='] as const
const TEXT_LABELS = [...STREAM_LABELS, ...LINE_LABELS].filter((name) => name !== 'slot' && name !== 'level')

/** Random expressions in the form that parseQuery gives. */
export function expressions(words: Words): fc.Arbitrary<Expression> {
  const { tree } = fc.letrec<{ tree: Expression }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', maxDepth: 4 },
      conditions(words),
      tie('tree').map(negate),
      fc
        .tuple(fc.constantFrom('and', 'or'), fc.array(tie('tree'), { minLength: 2, maxLength: 3 }))
        .map(([op, of]) => join(op, of)),
    ),
  }))
  return tree
}

function conditions({ texts, patterns, regexes, numbers, fields }: Words): fc.Arbitrary<Expression> {
  const label = fc.constantFrom(...TEXT_LABELS).map((name): Field => ({ kind: 'label', name }))
  const field = fields.map((name): Field => ({ kind: 'field', name }))
  const slot: Field = { kind: 'label', name: 'slot' }
  const level: Field = { kind: 'label', name: 'level' }
  const any = fc.oneof(field, label)
  const by = fc.constantFrom('=' as const, ...ORDERS)
  const pattern = patterns
    .map((raw) => patternOf(raw, '*?'))
    .filter((text) => /[*?]/.test(text.replaceAll(/\\./gsu, '')) && text !== '*')
  const compare = { op: fc.constant('compare' as const), isExact: fc.constant(false) }
  return fc.oneof(
    fc.record({ op: fc.constant('text' as const), text: texts.filter((text) => text !== ''), isExact: fc.boolean() }),
    fc.record({ op: fc.constant('regex' as const), field: any, source: regexes, isInsensitive: fc.boolean() }),
    fc.record({ op: fc.constant('glob' as const), field: any, pattern }),
    fc.record({ op: fc.constant('exists' as const), field: fc.oneof(any, fc.constantFrom(slot, level)) }),
    fc.record({ ...compare, field, by, value: fc.oneof(texts, numbers) }),
    fc
      .record({ ...compare, field: any, by: fc.constant('=' as const), value: texts, isExact: fc.boolean() })
      .map(possible),
    fc.record({ ...compare, field: fc.constant(slot), by, value: numbers }),
    fc.record({ ...compare, field: fc.constant(level), by, value: fc.constantFrom(...LEVELS) }),
  )
}

function possible<T extends { field: Field; value: string }>(expression: T): T {
  return expression.field.name === 'source' ? { ...expression, value: 'stderr' } : expression
}
