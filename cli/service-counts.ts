import type { ApiStats } from '../shared/api/analysis.ts'
import type { ApiHistogram } from '../shared/api/answers.ts'
import { SwarmlogsError } from '../shared/errors.ts'
import type { Client } from './client.ts'
import { joinQueries } from './operands.ts'
import type { ServiceCounts } from './output/top-table.ts'

/** Longer than any window: all of it is one bucket, or two where one ends amid it. */
const WHOLE = '5200w'
/** The length of lines is taken from so many of them: more would have the server read all that it counts otherwise. */
const MEASURED_LINES = 20_000

/** What services printed in the last so many seconds, and how many lines in as many before. Throws where a server cannot tell. */
export async function readServiceCounts(
  client: Client,
  params: URLSearchParams,
  seconds: number,
): Promise<ServiceCounts[]> {
  const errors = new URLSearchParams(params)
  errors.set('q', joinQueries([...params.getAll('q'), 'level>=error']))
  const windows = [[seconds, 0] as const, [2 * seconds, seconds] as const]
  const asked = [params, errors].flatMap((one) => windows.map((window) => countBy(client, one, window)))
  const [bytes, lines, before, errorLines, errorsBefore] = await Promise.all([
    bytesBy(client, params, seconds),
    ...asked,
  ])
  return [...new Set([...(lines?.keys() ?? []), ...(before?.keys() ?? [])])].map((service) => {
    const count = lines?.get(service) ?? 0
    return {
      ...{ service, lines: count, before: before?.get(service) ?? 0 },
      ...{ errors: errorLines?.get(service) ?? 0, errorsBefore: errorsBefore?.get(service) ?? 0 },
      bytes: bytes(service, count),
    }
  })
}

async function countBy(
  client: Client,
  params: URLSearchParams,
  [from, to]: readonly [number, number],
): Promise<Map<string, number>> {
  const range = { since: `${from}s`, until: `${to}s`, by: 'service', interval: WHOLE }
  const asked = new URLSearchParams([...params, ...Object.entries(range)])
  const { answer } = await client.json<ApiHistogram>('api/v1/histogram', asked)
  const counts = new Map<string, number>()
  for (const bucket of answer.buckets)
    for (const [name, count] of Object.entries(bucket.counts ?? {})) counts.set(name, (counts.get(name) ?? 0) + count)
  return counts
}

/** How many bytes so many lines of a service are: exactly, or reckoned from its newest lines; undefined where nobody can tell. */
type BytesOf = (service: string, lines: number) => ServiceCounts['bytes']

async function bytesBy(client: Client, params: URLSearchParams, seconds: number): Promise<BytesOf> {
  const wanted = { since: `${seconds}s`, until: '0s', field: 'message.bytes', by: 'service' }
  const asked = new URLSearchParams([...params, ...Object.entries(wanted), ['examine', String(MEASURED_LINES)]])
  const measured = await client.json<ApiStats>('api/v1/stats', asked).catch(ifUnknown)
  const groups = new Map(measured?.answer.groups.map((group) => [String(group.by.service ?? ''), group]))
  const isPart = measured?.answer.examined.limited !== false
  return (service, lines) => {
    const group = groups.get(service)
    if (lines === 0) return { count: 0, isExact: true }
    if (group === undefined) return undefined
    return isPart ? { count: lines * group.avg, isExact: false } : { count: group.sum, isExact: true }
  }
}

/** An older server does not know the question; throws any other error. */
function ifUnknown(error: unknown): undefined {
  if (error instanceof SwarmlogsError && error.code === 'SWARMLOGS_PROTOCOL') return undefined
  throw error
}
