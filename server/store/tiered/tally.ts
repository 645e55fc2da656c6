import type { Scope } from '../../query/query.ts'
import { greater, smaller } from '../bigint.ts'
import { Histogram, type HistogramBucket, type HistogramWish } from '../histogram.ts'
import { labelsOf } from '../labels.ts'
import type { Facet, Store, StoreStatus, StreamSummary } from '../store.ts'

type Counting = Pick<Store, 'histogram' | 'facets'>

/** The histogram over several stores. Throws SWARMLOGS_USAGE when it has too many counts in all. */
export async function histogramOf(
  stores: readonly Counting[],
  scope: Scope,
  wish: HistogramWish,
  signal?: AbortSignal,
): Promise<HistogramBucket[]> {
  const sum = new Histogram(wish)
  const all = await Promise.all(stores.map((store) => store.histogram(scope, wish, signal)))
  for (const buckets of all) sum.merge(buckets)
  return sum.buckets()
}

/** The facets over several stores. */
export async function facetsOf(stores: readonly Counting[], scope: Scope, signal?: AbortSignal): Promise<Facet[]> {
  const all = await Promise.all(stores.map((store) => store.facets(scope, signal)))
  const sums = new Map<string, Facet>()
  for (const facet of all.flat()) {
    const key = `${facet.source} ${facet.level} ${labelsOf(facet.stream)}`
    const known = sums.get(key)
    sums.set(key, known === undefined ? facet : { ...known, records: known.records + facet.records })
  }
  return [...sums.values()]
}

/** The catalog of several stores. */
export function summariesOf(catalogs: readonly (readonly StreamSummary[])[]): StreamSummary[] {
  const sums = new Map<string, StreamSummary>()
  for (const summary of catalogs.flat()) {
    const key = labelsOf(summary.stream)
    const known = sums.get(key)
    sums.set(key, known === undefined ? summary : together(known, summary))
  }
  return [...sums.values()]
}

function together(a: StreamSummary, b: StreamSummary): StreamSummary {
  const { stream } = a
  return { stream, records: a.records + b.records, first: smaller(a.first, b.first), last: greater(a.last, b.last) }
}

/** The state of a hot store and its archive: what is written goes to the first. */
export function statusOf(hot: StoreStatus, archive: StoreStatus): StoreStatus {
  const { begins: _, ...rest } = hot
  const oldest = hot.begins === undefined ? archive.begins : smaller(hot.begins, archive.begins ?? hot.begins)
  const { absent } = archive
  return {
    ...rest,
    records: hot.records + archive.records,
    bytes: hot.bytes + archive.bytes,
    ...(absent !== undefined ? { absent } : oldest !== undefined && { begins: oldest }),
    segments: hot.segments + archive.segments,
    damaged: [...hot.damaged, ...archive.damaged],
  }
}
