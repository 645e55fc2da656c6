import type { ApiStreams } from '../shared/api/catalog.ts'
import type { ApiStatus } from '../shared/api/status.ts'
import type { Client } from './client.ts'
import type { RateOf } from './docker-checks.ts'

/** What Docker writes beside each line: its time, its source, the braces. */
const OVERHEAD_BYTES = 70
/** Where no agent tells how long lines are. */
const USUAL_BYTES = 150
/** What has printed for less says little about its rate. */
const LEAST_SECONDS = 60

/** How fast containers fill their logs, from what the server counts of them. */
export async function readRates(client: Client, status: ApiStatus): Promise<RateOf> {
  const { answer } = await client.json<ApiStreams>('api/v1/streams')
  const bytes = OVERHEAD_BYTES + lineBytes(status)
  const rates = new Map<string, number>()
  for (const { 'container.id': id, records, first } of answer.streams) {
    if (id === undefined || first === undefined) continue
    const seconds = Math.max(LEAST_SECONDS, (Date.parse(status.time) - Date.parse(first)) / 1000)
    rates.set(id, (records * bytes) / seconds)
  }
  return (id) => rates.get(id)
}

function lineBytes({ nodes }: ApiStatus): number {
  const agents = nodes.flatMap(({ agent }) => agent ?? [])
  const lines = agents.reduce((sum, one) => sum + one.lines_per_second, 0)
  const bytes = agents.reduce((sum, one) => sum + one.bytes_per_second, 0)
  return lines > 0 ? bytes / lines : USUAL_BYTES
}
