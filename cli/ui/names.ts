import type { ApiHistogram, ApiNodes, ApiServices } from '../../shared/api.ts'
import type { Client } from '../client.ts'
import type { Choice } from './state.ts'
import { ALL } from './update/picker-keys.ts'

const RATE_SECONDS = 60

/** All services or nodes, with what they print. */
export async function readNames(client: Client, of: 'service' | 'node', signal: AbortSignal): Promise<Choice[]> {
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
