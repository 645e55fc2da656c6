import type { ApiFields, ApiPatterns } from '../../shared/api/analysis.ts'
import type { ApiHistogram } from '../../shared/api/answers.ts'
import type { ApiNodes, ApiServices } from '../../shared/api/catalog.ts'
import type { Client } from '../client.ts'
import type { Grid } from './bars.ts'
import type { Effect } from './event.ts'
import { labelTerms } from './query.ts'
import { paramsOf, type Scope } from './scope.ts'
import type { Choice } from './state.ts'
import { ALL } from './update/picker-keys.ts'

const RATE_SECONDS = 60

/** What a picker offers. */
export function readChoices(
  client: Client,
  { of, scope, grid }: Extract<Effect, { kind: 'names' }>,
  signal: AbortSignal,
): Promise<Choice[]> {
  return of === 'pattern' ? readPatterns(client, scope, grid, signal) : readNames(client, of, signal)
}

/** What words of a query may become beside the names of labels: services, nodes, fields of lines. */
export async function readTerms(client: Client, signal: AbortSignal): Promise<string[]> {
  const [services, nodes, fields] = await Promise.all([
    namesOf(client, 'service', signal),
    namesOf(client, 'node', signal),
    client.json<ApiFields>('api/v1/fields', new URLSearchParams({ since: '1h' }), signal),
  ])
  const values = (choices: readonly Choice[]) => choices.map(({ value }) => value)
  const own = fields.answer.fields.filter(({ kind }) => kind === 'line').map(({ name }) => `${name}:`)
  return [...labelTerms('service', values(services)), ...labelTerms('node', values(nodes)), ...own]
}

/** What the lines of the strip's time have in common, the most frequent first. */
async function readPatterns(client: Client, scope: Scope, grid: Grid, signal: AbortSignal): Promise<Choice[]> {
  const params = paramsOf(scope)
  params.set('since', new Date(grid.from).toISOString())
  params.set('until', new Date(grid.from + grid.length * grid.count).toISOString())
  const { answer } = await client.json<ApiPatterns>('api/v1/patterns', params, signal)
  return answer.patterns.map(({ pattern, records, last }) => {
    return { value: pattern, detail: `${String(records).padStart(9)}  ${pattern}`, time: last }
  })
}

/** All services or nodes, with what they print. */
async function readNames(client: Client, of: 'service' | 'node', signal: AbortSignal): Promise<Choice[]> {
  const [names, rates] = await Promise.all([namesOf(client, of, signal), ratesOf(client, of, signal)])
  const choices = names.map(({ value, detail }) => {
    return { value, detail: `${((rates.get(value) ?? 0) / RATE_SECONDS).toFixed(1).padStart(8)}/s  ${detail}` }
  })
  return [{ value: ALL, detail: '' }, ...choices]
}

async function namesOf(client: Client, of: 'service' | 'node', signal: AbortSignal): Promise<Choice[]> {
  if (of === 'node') {
    const { answer } = await client.json<ApiNodes>('api/v1/nodes', undefined, signal)
    return answer.nodes.map(({ name, id, role, state }) => ({ value: name || id, detail: `${role} ${state}`.trim() }))
  }
  const { answer } = await client.json<ApiServices>('api/v1/services', undefined, signal)
  return answer.services.map(({ name, mode, replicas, current }) => {
    const size = mode.startsWith('replicated') ? `${replicas} replicas` : mode
    return { value: name, detail: current === false ? 'removed' : size }
  })
}

async function ratesOf(client: Client, by: string, signal: AbortSignal): Promise<Map<string, number>> {
  const params = new URLSearchParams({ since: `${RATE_SECONDS}s`, interval: '1h', by })
  const { answer } = await client.json<ApiHistogram>('api/v1/histogram', params, signal)
  const sums = new Map<string, number>()
  for (const { counts = {} } of answer.buckets)
    for (const [name, count] of Object.entries(counts)) sums.set(name, (sums.get(name) ?? 0) + count)
  return sums
}
