import type { LogStream } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import type { StreamSummary } from '../store/store.ts'

/** So many streams are told of, the newest: what names mean depends on those that there are. */
const MAX_STREAMS = 10_000

/** What a server knows beside lines and gaps: enough to judge later what it would have judged. Times are nanoseconds since 1970, as decimal text. */
export interface Knowledge {
  readonly version: string
  readonly time: string
  readonly begins: string | null
  /** As the store keeps them. */
  readonly inventory: string
  readonly reports: string
  readonly annotations: string
  readonly observers: readonly { readonly cluster: string; readonly node: string; readonly at: string }[]
  /** When each node's agent was last heard of. */
  readonly seen: readonly (readonly [node: string, at: string])[]
  readonly streams: readonly { readonly stream: LogStream; readonly first: string; readonly last: string }[]
}

/** All of that as it is now. */
export async function knowledgeOf(context: Context): Promise<Knowledge> {
  const { store, inventories, annotations, completeness, ingestor, version, now } = context
  const { begins } = store.status()
  const { reports, observers } = completeness.known()
  const summaries = [...(await store.streams())].sort((a, b) => (a.last > b.last ? -1 : 1)).slice(0, MAX_STREAMS)
  return {
    version,
    time: String(now()),
    begins: begins === undefined ? null : String(begins),
    inventory: inventories.text(),
    reports,
    annotations: annotations.text(),
    observers: observers.map((one) => ({ ...one, at: String(one.at) })),
    seen: ingestor.seenNodes.map(([node, at]) => [node, String(at)] as const),
    streams: summaries.map(({ stream, first, last }) => ({ stream, first: String(first), last: String(last) })),
  }
}

/** The streams that were known, as those of a store that has no lines of them. */
export function strangersOf({ streams }: Knowledge): StreamSummary[] {
  return streams.map(({ stream, first, last }) => ({ stream, records: 0, first: BigInt(first), last: BigInt(last) }))
}
