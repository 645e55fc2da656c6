import type { Count, IndexCounts } from './counts.ts'
import type { Notes } from './notes.ts'
import type { Requests } from './requests.ts'
import { timeOf } from './times.ts'

const PAGE = 500
const TIMEOUT_MS = 120_000

interface Answer {
  readonly aggregations?: {
    readonly streams: { readonly after_key?: object; readonly buckets: readonly Bucket[] }
  }
}

interface Bucket {
  readonly key: { readonly stream: string }
  readonly doc_count: number
  readonly first: Top
  readonly last: Top
}

interface Top {
  readonly hits: {
    readonly hits: readonly [{ readonly fields: Readonly<Record<string, readonly (string | number)[]>> }]
  }
}

/** Counts the lines of an index by stream, of those committed up to a moment; exact to the nanosecond, which min and max would not be. */
export async function countLines(requests: Requests, index: string, receivedUpTo: bigint): Promise<IndexCounts> {
  const counts: IndexCounts = new Map()
  for (let after: object | undefined; ; ) {
    const { aggregations } = await requests.send<Answer>('POST', `/${index}/_search`, {
      body: {
        size: 0,
        track_total_hits: false,
        query: { range: { 'swarmlogs.received': { lte: String(receivedUpTo) } } },
        aggs: {
          streams: {
            composite: {
              size: PAGE,
              sources: [{ stream: { terms: { field: 'swarmlogs.stream' } } }],
              ...(after && { after }),
            },
            aggs: { first: top('asc'), last: top('desc') },
          },
        },
      },
      query: { allow_partial_search_results: false },
      timeoutMs: TIMEOUT_MS,
    })
    const { buckets = [], after_key } = aggregations?.streams ?? {}
    for (const { key, doc_count, first, last } of buckets) {
      counts.set(key.stream, { records: doc_count, first: timeOfTop(first), last: timeOfTop(last) })
    }
    if (after_key === undefined) return counts
    after = after_key
  }
}

/** The counts of an index as they were noted when it had so many lines; undefined when they were not. */
export async function notedCounts(notes: Notes, index: string, records: number): Promise<IndexCounts | undefined> {
  const text = await notes.read('counts', index)
  if (text === undefined) return undefined
  const noted: { records: number; streams: readonly [string, number, string, string][] } = JSON.parse(text)
  if (noted.records !== records) return undefined
  return new Map(
    noted.streams.map(([id, count, first, last]): [string, Count] => {
      return [id, { records: count, first: BigInt(first), last: BigInt(last) }]
    }),
  )
}

/** Notes the counts of an index, so that the next start need not count a day that did not change. */
export async function noteCounts(notes: Notes, index: string, counts: IndexCounts): Promise<void> {
  let records = 0
  const streams = [...counts].map(([id, count]) => {
    records += count.records
    return [id, count.records, String(count.first), String(count.last)]
  })
  await notes.write('counts', index, JSON.stringify({ records, streams }))
}

function top(order: 'asc' | 'desc'): object {
  return {
    top_hits: {
      size: 1,
      sort: [{ '@timestamp': order }, { 'swarmlogs.before_1970': { order, missing: 0 } }],
      _source: false,
      docvalue_fields: [
        { field: '@timestamp', format: "uuuu-MM-dd'T'HH:mm:ss.SSSSSSSSS'Z'" },
        { field: 'swarmlogs.before_1970', format: '0' },
      ],
    },
  }
}

function timeOfTop({ hits }: Top): bigint {
  const { fields } = hits.hits[0]
  const [before] = fields['swarmlogs.before_1970'] ?? []
  return before === undefined ? timeOf(String(fields['@timestamp']?.[0])) : BigInt(before)
}
