import type { Entry } from './entry.ts'
import { bytes, seconds } from './logql/literals.ts'
import type { Comparison, LabelTest } from './logql/tree.ts'
import { compileMatcher } from './matchers.ts'

const COMPARE: Readonly<Record<Comparison, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
}
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const READ = { number, duration: seconds, bytes }

/** Whether two numbers compare so. */
export function compare(by: Comparison, a: number, b: number): boolean {
  return COMPARE[by](a, b)
}

/** A label filter, run on lines. As in Loki a line whose label is no number passes, marked by `__error__`; one without the label does not. */
export function compileLabelTest(test: LabelTest): (entry: Entry) => boolean {
  if (test.kind === 'match') {
    const matches = compileMatcher(test.matcher)
    return (entry) => matches(entry.get(test.matcher.label))
  }
  if (test.kind === 'number') return compileNumber(test)
  const tests = test.of.map(compileLabelTest)
  if (test.kind === 'and') return (entry) => tests.every((one) => one(entry))
  return (entry) => tests.some((one) => one(entry))
}

function compileNumber({ label, by, value, unit }: Extract<LabelTest, { kind: 'number' }>): (entry: Entry) => boolean {
  return (entry) => {
    const text = entry.get(label)
    if (text === '') return false
    if (entry.get('__error__') !== '') return true
    const found = READ[unit](text)
    if (found !== undefined) return compare(by, found, value)
    entry.set('__error__', 'LabelFilterErr')
    return true
  }
}

function number(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text) : undefined
}
