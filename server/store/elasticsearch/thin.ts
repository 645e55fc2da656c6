import type { Retention } from '../../retention.ts'
import { greater } from '../bigint.ts'
import { countLines } from './count-lines.ts'
import { messageOf } from './failure.ts'
import { dayOf, timesOfDay } from './names.ts'
import type { WatchParts } from './watch.ts'

/** So many lines are deleted at a time. Deleting by query is a module that not every distribution has. */
const PAGE = 5_000
/** A query names so many streams at most. */
const MAX_STREAMS = 10_000

const BUSY = 429

interface Hit {
  readonly _id: string
}

interface Hits {
  readonly hits: { readonly hits: readonly Hit[] }
}

interface Removed {
  readonly items: readonly { readonly delete: { readonly status: number } }[]
}

/** When lines have expired, up to which commit lines are counted, and whether to stop. */
export interface ThinRun {
  readonly now: bigint
  readonly received: () => bigint
  readonly isStopped: () => boolean
}

/** What tells which streams of an index have expired. */
export type ExpiryParts = Pick<WatchParts, 'options' | 'retention' | 'names' | 'counts' | 'streams'>

/** Ids of the streams of an index whose lines have all expired: those that are not kept for longer than its day is over. */
export function expiredStreams(
  { retention, names, counts, streams }: ExpiryParts,
  index: string,
  now: bigint,
): string[] {
  const { end } = timesOfDay(names.parse(index)?.day ?? '9999.01.01')
  return [...(counts.of(index)?.keys() ?? [])].filter((id) => end <= now - keptOf(retention, streams, id))
}

/** How long the lines of a stream are kept, of which the labels may not be known here yet. */
function keptOf(retention: Retention, streams: ExpiryParts['streams'], id: string): bigint {
  const entry = streams.ofId(id)
  return entry === undefined ? retention.longestNs : retention.of(entry.stream)
}

/** The longest that anything is kept which there is. */
export function longestKept({ retention, counts, streams }: ExpiryParts): bigint {
  let longest = retention.longestNs
  for (const id of counts.held()) longest = greater(longest, keptOf(retention, streams, id))
  return longest
}

/** Deletes the lines that have expired from past days of which others stay. Another server may do the same: what is gone is gone. */
export async function thinIndices(parts: WatchParts, run: ThinRun): Promise<void> {
  const { retention, names, counts } = parts
  if (!retention.isKnown) return
  for (const index of [...counts.indices]) {
    const { kind, day = '' } = names.parse(index) ?? {}
    if (kind === undefined || kind === 'dead' || day >= dayOf(run.now)) continue
    const ids = expiredStreams(parts, index, run.now)
    if (ids.length > 0 && !run.isStopped()) await thin(parts, index, ids, run)
  }
}

async function thin(
  { requests, counts, freshness, options }: WatchParts,
  index: string,
  ids: readonly string[],
  { received, isStopped }: ThinRun,
): Promise<void> {
  let deleted = 0
  await freshness.see([index])
  for (let at = 0; at < ids.length; at += MAX_STREAMS) {
    const query = { terms: { 'swarmlogs.stream': ids.slice(at, at + MAX_STREAMS) } }
    for (let found = PAGE; found === PAGE && !isStopped(); ) {
      const { hits } = await requests.send<Hits>('POST', `/${index}/_search`, {
        body: { size: PAGE, query, sort: ['_doc'], _source: false, track_total_hits: false },
        query: { allow_partial_search_results: false },
      })
      found = hits.hits.length
      if (found === 0) break
      await remove(requests, index, hits.hits)
      deleted += found
    }
  }
  await freshness.see([index])
  counts.begin(index)
  counts.replace(index, await countLines(requests, index, received()))
  options.log.info({ index, streams: ids.length, records: deleted }, 'streams expired')
  // What was deleted takes space until its segment is merged.
  const merge = { query: { only_expunge_deletes: true, wait_for_completion: false } }
  await requests.send('POST', `/${index}/_forcemerge`, merge).catch((error: unknown) => {
    options.log.debug({ index, reason: messageOf(error) }, 'index was not merged')
  })
}

async function remove(requests: WatchParts['requests'], index: string, found: readonly Hit[]): Promise<void> {
  const lines = found.map(({ _id }) => `{"delete":{"_id":${JSON.stringify(_id)}}}\n`).join('')
  const query = { refresh: true, filter_path: 'items.*.status' }
  const { items } = await requests.send<Removed>('POST', `/${index}/_bulk`, { lines, query })
  if (items.every(({ delete: { status } }) => status >= BUSY)) throw new Error('the cluster deletes no lines now')
}
