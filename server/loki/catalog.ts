import { LEVELS } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import type { StreamSummary } from '../store/store.ts'
import { listText } from './answers.ts'
import { canonical, isStreamLabel, Labelling, type Labels, labelsText, STREAM_NAMES } from './labels.ts'
import { parseSelector } from './logql/parse.ts'
import type { Bounds, Parameters } from './parameters.ts'
import { planOf } from './plan.ts'
import type { Asked } from './queries.ts'

/** How far back catalogs look when no start is given. */
const SIX_HOURS = 21_600_000_000_000n

/** labels: the names of labels that streams have. */
export async function labelNames(context: Context, { parameters }: Asked): Promise<string> {
  const found = await find(context, parameters)
  const names = STREAM_NAMES.filter((name) => found.some(({ labels }) => labels.has(name)))
  // Drilldown begins with this name of the service.
  const more = names.includes('service') ? ['service_name'] : []
  return listText([...names, ...more, ...(found.length > 0 ? ['level', 'source'] : [])].sort())
}

/** label/NAME/values. */
export async function labelValues(context: Context, { parameters }: Asked, label: string): Promise<string> {
  return listText(valuesIn(await find(context, parameters), label))
}

/** series: the labels of each stream that one of the selectors takes. */
export async function series(context: Context, { parameters }: Asked): Promise<string> {
  const selectors = parameters.all('match', 'match[]')
  const found = await find(context, parameters, selectors.length === 0 ? ['{}'] : selectors)
  const texts = new Set(found.map(({ labels }) => labelsText(labels)))
  return `{"status":"success","data":[${[...texts].join(',')}]}`
}

/** detected_labels: labels and how many values they have. */
export async function detectedLabels(context: Context, { parameters }: Asked): Promise<string> {
  const found = await find(context, parameters)
  const detected = [...STREAM_NAMES, 'level', 'service_name'].map((label) => ({
    label,
    cardinality: valuesIn(found, label).length,
  }))
  return JSON.stringify({ detectedLabels: detected.filter(({ cardinality }) => cardinality > 0) })
}

/** index/stats: about how much there is. */
export async function indexStats(context: Context, { parameters, signal }: Asked): Promise<string> {
  const { start, end } = parameters.bounds(SIX_HOURS)
  const matchers = parseSelector(parameters.text('query'))
  const plan = planOf({ kind: 'log', matchers, stages: [] }, new Labelling(context.inventories.clusterOf))
  const streams = (await summaries(context, { start, end })).filter(({ stream }) => plan.accepts(stream)).length
  const scope = { filter: plan.filter, since: start, until: end, receivedUpTo: context.commits.lastReceived }
  const entries = await context.store.count(scope, signal)
  return JSON.stringify({ streams, chunks: streams, entries, bytes: Math.round(entries * meanBytes(context)) })
}

/** How much a line takes in the store. */
export function meanBytes({ store }: Context): number {
  const { records, bytes } = store.status()
  return records === 0 ? 0 : bytes / records
}

interface Found {
  readonly summary: StreamSummary
  readonly labels: Labels
}

async function find(
  context: Context,
  parameters: Parameters,
  selectors: readonly string[] = [parameters.text('query')],
): Promise<Found[]> {
  const labelling = new Labelling(context.inventories.clusterOf)
  const plans = selectors.map((selector) =>
    planOf({ kind: 'log', matchers: parseSelector(selector), stages: [] }, labelling),
  )
  return (await summaries(context, parameters.bounds(SIX_HOURS)))
    .filter(({ stream }) => plans.some((plan) => plan.accepts(stream)))
    .map((summary) => ({ summary, labels: labelling.ofStream(summary.stream) }))
}

async function summaries({ store }: Context, { start, end }: Bounds): Promise<StreamSummary[]> {
  return (await store.streams()).filter(({ first, last }) => last >= start && first < end)
}

function valuesIn(found: readonly Found[], label: string): string[] {
  const name = canonical(label)
  if (found.length === 0) return []
  if (name === 'level') return [...LEVELS]
  if (name === 'source') return ['stderr', 'stdout']
  if (!isStreamLabel(name)) return []
  return [...new Set(found.flatMap(({ labels }) => labels.get(name) ?? []))].sort()
}
