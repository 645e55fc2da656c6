import type { Refusal } from '../store.ts'
import { unavailable } from '../unavailable.ts'
import { messageOf } from './failure.ts'
import type { Names } from './names.ts'
import type { Requests } from './requests.ts'

const MAX_EXCERPT = 1_000

interface Answer {
  readonly hits?: { readonly hits?: readonly { readonly _source: Readonly<Record<string, string>> }[] }
}

/** The newest lines that were put aside, the newest first. */
export async function newestRefusals(requests: Requests, names: Names, limit: number): Promise<Refusal[]> {
  const path = `/${names.dead('2*')}`
  try {
    await requests.send('POST', `${path}/_refresh`, { query: { ignore_unavailable: true } })
    const { hits } = await requests.send<Answer>('POST', `${path}/_search`, {
      body: { size: limit, sort: [{ '@timestamp': 'desc' }], track_total_hits: false },
      query: { ignore_unavailable: true, filter_path: 'hits.hits._source' },
    })
    return (hits?.hits ?? []).map(({ _source }) => refusalOf(_source))
  } catch (error) {
    throw unavailable(`read the refused lines: ${messageOf(error)}`, error)
  }
}

function refusalOf(source: Readonly<Record<string, string>>): Refusal {
  return {
    time: BigInt(Date.parse(source['@timestamp'] ?? '')) * 1_000_000n,
    reason: source.reason ?? '',
    service: source['service.name'] ?? '',
    containerId: source['container.id'] ?? '',
    excerpt: (source.document ?? '').slice(0, MAX_EXCERPT).toWellFormed(),
  }
}
