import type { Context } from '../context.ts'
import { matrixText, vectorText } from './answers.ts'
import { Budget } from './budget.ts'
import { meanBytes } from './catalog.ts'
import { Labelling } from './labels.ts'
import { parseSelector } from './logql/parse.ts'
import type { RangeQuery } from './logql/tree.ts'
import type { Asked } from './queries.ts'
import { unsupported } from './refuse.ts'
import { sample } from './samples.ts'
import type { Series } from './series.ts'
import { type Steps, stepsOf } from './windows.ts'

const DEFAULT_LIMIT = 100

/** index/volume: about how many bytes there are, by labels. */
export async function volume(context: Context, asked: Asked): Promise<string> {
  const { start, end } = asked.parameters.bounds()
  return answer(context, asked, { start: end, step: 1n, count: 1 }, { range: end - start || 1n, write: vectorText })
}

/** index/volume_range: the same over time. */
export async function volumeRange(context: Context, asked: Asked): Promise<string> {
  const bounds = asked.parameters.bounds()
  const step = asked.parameters.step(bounds)
  return answer(context, asked, stepsOf(bounds.start, bounds.end, step), { range: step, write: matrixText })
}

async function answer(
  context: Context,
  { parameters, signal, turns }: Asked,
  steps: Steps,
  { range, write }: { readonly range: bigint; readonly write: typeof matrixText },
): Promise<string> {
  if (parameters.text('aggregateBy') === 'labels') throw unsupported('aggregateBy=labels')
  const matchers = parseSelector(parameters.text('query'))
  const given = parameters.text('targetLabels').split(',').filter(Boolean)
  const labels = given.length > 0 ? given : [...new Set(matchers.map(({ label }) => label))]
  const query: RangeQuery = {
    kind: 'range',
    by: 'count_over_time',
    range,
    offset: 0n,
    query: { kind: 'log', matchers, stages: [] },
  }
  const catalog = {
    ...{ store: context.store, receivedUpTo: context.commits.lastReceived },
    labelling: new Labelling(context.inventories.clusterOf),
    streams: (await context.store.streams()).map(({ stream }) => stream),
  }
  const { counted, budget } = await turns.run(signal, async () => {
    const budget = new Budget(signal, context.timing.queryMs)
    return { counted: await sample({ ...catalog, budget }, query, { kind: 'by', labels }, steps), budget }
  })
  const bytes = meanBytes(context)
  const series = largest(counted, parameters.count('limit', DEFAULT_LIMIT)).map((one) => ({
    ...one,
    values: one.values.map((lines) => (lines === undefined ? undefined : Math.round(lines * bytes))),
  }))
  return write({ kind: 'series', series }, steps, { warnings: [], budget })
}

function largest(series: readonly Series[], limit: number): Series[] {
  const total = ({ values }: Series) => values.reduce<number>((sum, value) => sum + (value ?? 0), 0)
  return series.toSorted((a, b) => total(b) - total(a)).slice(0, limit)
}
