import { compare } from './label-test.ts'
import { canonical, labelsText } from './labels.ts'
import type { BinaryOperator, Comparison, MetricQuery } from './logql/tree.ts'
import { type Samples, sample } from './samples.ts'
import { Groups, groupLabels, type Series } from './series.ts'
import type { Steps } from './windows.ts'

/** The numbers of a query: one that is always the same, or series. */
export type Numbers =
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'series'; readonly series: Series[] }

type Aggregate = Extract<MetricQuery, { kind: 'aggregate' }>
type Binary = Extract<MetricQuery, { kind: 'binary' }>

/** Evaluates a query for numbers at each step. */
export async function evaluate(samples: Samples, query: MetricQuery, steps: Steps): Promise<Numbers> {
  switch (query.kind) {
    case 'number':
      return { kind: 'scalar', value: query.value }
    case 'vector':
      return { kind: 'series', series: [{ labels: new Map(), values: Array(steps.count).fill(query.value) }] }
    case 'range':
      return { kind: 'series', series: await sample(samples, query, undefined, steps) }
    case 'aggregate':
      return { kind: 'series', series: await aggregate(samples, query, steps) }
    case 'binary':
      return combine(query, await evaluate(samples, query.left, steps), await evaluate(samples, query.right, steps))
  }
}

async function aggregate(samples: Samples, query: Aggregate, steps: Steps): Promise<Series[]> {
  const { by, of, count } = query
  const grouping = query.grouping ?? { kind: 'by', labels: [] }
  // What is counted can be counted together at once.
  if (by === 'sum' && of.kind === 'range') return sample(samples, of, grouping, steps)
  const inner = seriesOf(await evaluate(samples, of, steps), steps)
  const groups = new Groups<Series[]>(steps.count, () => [])
  for (const one of inner) {
    const labels = groupLabels(
      one.labels,
      grouping,
      (label) => one.labels.get(label) ?? one.labels.get(canonical(label)) ?? '',
    )
    groups.of(labels).push(one)
  }
  if (by === 'topk') return [...groups].flatMap(({ value }) => top(value, count, steps))
  return [...groups].map(({ labels, value }) => ({
    labels,
    values: Array.from({ length: steps.count }, (_, at) => reduce(by, presentAt(value, at))),
  }))
}

function seriesOf(numbers: Numbers, steps: Steps): Series[] {
  if (numbers.kind === 'series') return numbers.series
  return [{ labels: new Map(), values: Array(steps.count).fill(numbers.value) }]
}

function presentAt(series: readonly Series[], at: number): number[] {
  return series.flatMap(({ values }) => values[at] ?? [])
}

function reduce(by: Exclude<Aggregate['by'], 'topk'>, values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined
  if (by === 'count') return values.length
  if (by === 'max') return values.reduce((a, b) => Math.max(a, b))
  if (by === 'min') return values.reduce((a, b) => Math.min(a, b))
  const sum = values.reduce((a, b) => a + b)
  return by === 'sum' ? sum : sum / values.length
}

/** Keeps the largest values of each step, and the labels of their series. */
function top(series: readonly Series[], count: number, steps: Steps): Series[] {
  const kept = series.map(({ labels }) => ({ labels, values: Array<number | undefined>(steps.count).fill(undefined) }))
  for (let at = 0; at < steps.count; at++) {
    const present = series.flatMap(({ values }, index) => {
      const value = values[at]
      return value === undefined ? [] : [{ value, index }]
    })
    present.sort((a, b) => b.value - a.value || a.index - b.index)
    for (const { value, index } of present.slice(0, Math.max(count, 0))) {
      const one = kept[index]
      if (one !== undefined) one.values[at] = value
    }
  }
  return kept.filter(({ values }) => values.some((value) => value !== undefined))
}

function combine(query: Binary, left: Numbers, right: Numbers): Numbers {
  const { by, isBool } = query
  if (left.kind === 'scalar' && right.kind === 'scalar') {
    return {
      kind: 'scalar',
      value: isComparison(by) ? Number(compare(by, left.value, right.value)) : calculate(by, left.value, right.value),
    }
  }
  const apply = (a: number, b: number, kept: number) => {
    if (!isComparison(by)) return calculate(by, a, b)
    const holds = compare(by, a, b)
    return isBool ? Number(holds) : holds ? kept : undefined
  }
  if (right.kind === 'scalar' && left.kind === 'series')
    return mapped(left.series, (value) => apply(value, right.value, value))
  if (left.kind === 'scalar' && right.kind === 'series')
    return mapped(right.series, (value) => apply(left.value, value, value))
  if (left.kind === 'scalar' || right.kind === 'scalar') throw new Error('BUG: two scalars')
  const others = new Map(right.series.map(({ labels, values }) => [labelsText(labels), values]))
  return {
    kind: 'series',
    series: left.series.flatMap(({ labels, values }) => {
      const other = others.get(labelsText(labels))
      if (other === undefined) return []
      return kept({ labels, values: values.map((a, at) => both(a, other[at], (x, y) => apply(x, y, x))) })
    }),
  }
}

function both(a: number | undefined, b: number | undefined, of: (a: number, b: number) => number | undefined) {
  return a === undefined || b === undefined ? undefined : of(a, b)
}

function mapped(series: readonly Series[], of: (value: number) => number | undefined): Numbers {
  return {
    kind: 'series',
    series: series.flatMap(({ labels, values }) =>
      kept({ labels, values: values.map((value) => (value === undefined ? undefined : of(value))) }),
    ),
  }
}

function kept(series: Series): Series[] {
  return series.values.some((value) => value !== undefined) ? [series] : []
}

function isComparison(by: BinaryOperator): by is Comparison {
  return by === '==' || by === '!=' || by === '>' || by === '>=' || by === '<' || by === '<='
}

function calculate(by: Exclude<BinaryOperator, Comparison>, a: number, b: number): number {
  if (by === '+') return a + b
  if (by === '-') return a - b
  if (by === '*') return a * b
  if (by === '/') return a / b
  return by === '%' ? a % b : a ** b
}
