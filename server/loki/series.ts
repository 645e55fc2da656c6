import { canonical, type Labels, labelsText } from './labels.ts'
import type { Grouping } from './logql/tree.ts'
import { refused } from './refuse.ts'

/** As many as Loki answers with. */
const MAX_SERIES = 500
/** So many are held on the way, as far as they have no more numbers than this; but always as many as are answered. */
const MAX_INNER = 10_000
const MAX_NUMBERS = 4_000_000

/** Numbers over time under one set of labels; undefined where there is none. */
export interface Series {
  readonly labels: Labels
  readonly values: (number | undefined)[]
}

/** The labels that a grouping keeps; all without one. */
export function groupLabels(labels: Labels, grouping: Grouping | undefined, get: (label: string) => string): Labels {
  if (grouping === undefined) return labels
  if (grouping.kind === 'without') {
    const dropped = new Set(grouping.labels.flatMap((label) => [label, canonical(label)]))
    return new Map([...labels].filter(([name]) => !dropped.has(name)))
  }
  return new Map(grouping.labels.map((label) => [label, get(label)] as const).filter(([, value]) => value !== ''))
}

/** Something for each set of labels, made at first sight. */
export class Groups<Value> {
  readonly #groups = new Map<string, { readonly labels: Labels; readonly value: Value }>()
  readonly #make: () => Value
  readonly #max: number

  /** `steps` is how many numbers each will have. */
  constructor(steps: number, make: () => Value) {
    this.#make = make
    this.#max = Math.max(MAX_SERIES, Math.min(MAX_INNER, Math.floor(MAX_NUMBERS / steps)))
  }

  /** What there is for the labels. Throws a Problem (400) when there are too many sets of labels. */
  of(labels: Labels): Value {
    const key = labelsText(labels)
    const known = this.#groups.get(key)
    if (known !== undefined) return known.value
    if (this.#groups.size === this.#max) throw tooMany(this.#max)
    const group = { labels, value: this.#make() }
    this.#groups.set(key, group)
    return group.value
  }

  [Symbol.iterator](): Iterator<{ readonly labels: Labels; readonly value: Value }> {
    return this.#groups.values()
  }
}

/** Throws a Problem (400) when an answer would have too many series. */
export function checkSeries(series: readonly Series[]): void {
  if (series.length > MAX_SERIES) throw tooMany(MAX_SERIES)
}

function tooMany(max: number): Error {
  return refused(`cannot answer with more than ${max} series: add them up, such as by sum by (service) (...)`)
}
