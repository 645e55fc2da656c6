import { expect, it } from 'vitest'
import { checkSeries, Groups, groupLabels } from '../../../server/loki/series.ts'

const LABELS = new Map([
  ['level', 'warn'],
  ['service', 'web'],
])

it.each([
  [undefined, ['level', 'service']],
  [{ kind: 'by', labels: ['service_name', 'nope'] }, ['service_name']],
  [{ kind: 'without', labels: ['detected_level'] }, ['service']],
  [{ kind: 'by', labels: [] }, []],
] as const)('keeps the labels of a grouping: %j', (grouping, names) => {
  const get = (label: string) => (label === 'service_name' ? 'web' : (LABELS.get(label) ?? ''))
  expect([...groupLabels(LABELS, grouping, get).keys()]).toEqual(names)
})

it.each([
  [1, 10_000],
  [1_000, 4_000],
  [11_000, 500],
])('has room for as many series of %i steps as memory allows', (steps, max) => {
  const groups = new Groups(steps, () => ({}))
  for (let at = 0; at < max; at++) groups.of(new Map([['a', `${at}`]]))
  expect(groups.of(new Map([['a', '1']]))).toBe(groups.of(new Map([['a', '1']])))
  expect(() => groups.of(new Map([['b', '']]))).toThrow(`more than ${max} series`)
})

it('answers no more series than Loki', () => {
  const series = Array.from({ length: 501 }, () => ({ labels: new Map(), values: [1] }))
  expect(() => checkSeries(series)).toThrow('500 series')
  checkSeries(series.slice(1))
})
