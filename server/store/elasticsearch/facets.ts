import type { LogStream, Source } from '../../../shared/record.ts'
import type { Scope } from '../../query/query.ts'
import type { Facet } from '../store.ts'
import { levelOf } from './documents.ts'
import type { Running } from './finding.ts'
import type { Parts } from './parts.ts'
import { certain, doubtful, scan, tally } from './tally.ts'

const PAGE = 10_000

interface Bucket {
  readonly key: { readonly stream: string; readonly source: Source; readonly level: string | null }
  readonly doc_count: number
}

interface Answer {
  readonly aggregations?: { readonly facets: { readonly after_key?: object; readonly buckets: readonly Bucket[] } }
}

/** The lines of a scope by stream, source and level; see Store. */
export async function facets(parts: Parts, scope: Scope, signal?: AbortSignal): Promise<Facet[]> {
  const found = new Facets()
  await tally(parts, scope, signal, async (running) => {
    const { isExact, doubts } = running.sieve
    const counted = isExact ? await aggregate(certain(running)) : undefined
    if (counted === undefined) return gather(running, found)
    for (const facet of counted) found.add(facet)
    if (doubts.length > 0) await gather(doubtful(running), found)
  })
  return found.all
}

class Facets {
  readonly #found = new Map<LogStream, Map<string, Facet>>()

  add(facet: Facet): void {
    const { stream, source, level, records } = facet
    const ofStream = this.#found.get(stream) ?? new Map<string, Facet>()
    this.#found.set(stream, ofStream)
    const known = ofStream.get(`${source} ${level}`)
    ofStream.set(`${source} ${level}`, { ...facet, records: records + (known?.records ?? 0) })
  }

  get all(): Facet[] {
    return [...this.#found.values()].flatMap((ofStream) => [...ofStream.values()])
  }
}

/** Undefined when another server wrote lines of a stream that is not known here yet: those tell it. */
async function aggregate({ parts, indices, filters, signal }: Running): Promise<Facet[] | undefined> {
  const sources = [
    { stream: { terms: { field: 'swarmlogs.stream' } } },
    { source: { terms: { field: 'log.iostream' } } },
    { level: { terms: { field: 'log.level', missing_bucket: true } } },
  ]
  const found: Facet[] = []
  for (let after: object | undefined; ; ) {
    const composite = { size: PAGE, sources, ...(after && { after }) }
    const { aggregations } = await parts.requests.send<Answer>('POST', `/${indices.join(',')}/_search`, {
      body: { size: 0, track_total_hits: false, query: { bool: { filter: filters } }, aggs: { facets: { composite } } },
      query: { filter_path: 'aggregations', allow_partial_search_results: false, ignore_unavailable: true },
      signal,
    })
    const { buckets = [], after_key } = aggregations?.facets ?? {}
    for (const { key, doc_count } of buckets) {
      const stream = parts.streams.ofId(key.stream)?.stream
      if (stream === undefined) return undefined
      found.push({ stream, source: key.source, level: levelOf(key.level ?? ''), records: doc_count })
    }
    if (after_key === undefined || buckets.length < PAGE) return found
    after = after_key
  }
}

async function gather(running: Running, found: Facets): Promise<void> {
  for await (const lines of scan(running, [], ['log.level'])) {
    for (const { hit, entry } of lines) {
      const { 'log.iostream': source, 'log.level': level } = hit._source
      found.add({ stream: entry.stream, source, level: levelOf(level), records: 1 })
    }
  }
}
