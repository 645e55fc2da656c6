import type { Source } from './documents.ts'
import type { Hit } from './pages.ts'
import type { Requests } from './requests.ts'

/** Characters of long texts that are fetched, and held, at once. */
const MAX_CHARS = 4 * 2 ** 20

/** Hands on lines with all of their texts: long ones are fetched, few at a time. */
export async function* wholeLines(
  requests: Requests,
  hits: readonly Hit<Source>[],
  signal: AbortSignal,
): AsyncGenerator<readonly Hit<Source>[]> {
  let start = 0
  let chars = 0
  let long: Hit<Source>[] = []
  for (const [index, hit] of hits.entries()) {
    const length = hit._source['swarmlogs.long'] ?? 0
    if (length === 0) continue
    if (long.length > 0 && chars + length > MAX_CHARS) {
      yield await complete(requests, hits.slice(start, index), long, signal)
      start = index
      chars = 0
      long = []
    }
    chars += length
    long.push(hit)
  }
  if (start < hits.length)
    yield long.length === 0 && start === 0 ? hits : await complete(requests, hits.slice(start), long, signal)
}

async function complete(
  requests: Requests,
  hits: readonly Hit<Source>[],
  long: readonly Hit<Source>[],
  signal: AbortSignal,
): Promise<readonly Hit<Source>[]> {
  if (long.length === 0) return hits
  const { docs } = await requests.send<{ docs: readonly { _id: string; _source?: Partial<Source> }[] }>(
    'POST',
    '/_mget',
    {
      body: { docs: long.map(({ _index, _id }) => ({ _index, _id })) },
      query: { _source_includes: 'swarmlogs.whole,swarmlogs.fields_whole', filter_path: 'docs._id,docs._source' },
      signal,
    },
  )
  const texts = new Map(long.map((hit, index) => [hit, docs[index]?._source]))
  return hits.map((hit) => {
    const whole = texts.get(hit)
    return whole === undefined ? hit : { ...hit, _source: { ...hit._source, ...whole } }
  })
}
