import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ApiNode, ApiService, ApiStream } from '../../shared/api/catalog.ts'
import { streamFields } from '../../shared/fields.ts'
import type { LogStream } from '../../shared/record.ts'
import { formatTime } from '../../shared/time.ts'
import type { Context } from '../context.ts'
import { streamMatches } from '../query/filter.ts'
import { filterOf } from '../query/parameters.ts'
import type { StreamSummary } from '../store/store.ts'
import { nodesSchema, servicesSchema, streamsSchema, versionSchema } from './overview-documents.ts'

/** GET /api/v1/services, /nodes, /streams and /version: what there is. */
export function overviewRoutes(context: Context): FastifyPluginAsyncTypebox {
  const { store, version, now } = context
  return async (app) => {
    app.get('/services', { schema: servicesSchema }, async () => ({
      services: servicesOf(context, await store.streams()),
    }))
    app.get('/nodes', { schema: nodesSchema }, async () => ({ nodes: nodesOf(context, await store.streams()) }))
    app.get('/streams', { schema: streamsSchema }, async (request) => {
      const filter = filterOf(request.query)
      const chosen = (await store.streams()).filter(({ stream }) => streamMatches(filter, stream))
      return {
        streams: chosen
          .map((summary) => streamOf(context, summary))
          .sort((a, b) => compareNames(a['service.name'], b['service.name'])),
      }
    })
    app.get('/version', { schema: versionSchema }, async () => ({
      version,
      api: 'v1' as const,
      node: process.versions.node,
      store: { id: store.identity.id, epoch: store.identity.epoch },
      time: formatTime(now()),
    }))
  }
}

/** How many lines a group of streams has, and from when to when. */
interface Counts {
  readonly records: number
  readonly first?: string
  readonly last?: string
}

function servicesOf({ inventories }: Context, summaries: readonly StreamSummary[]): ApiService[] {
  const groups = groupBy(summaries, ({ stream }) =>
    serviceKey(inventories.clusterOf(stream), stream.serviceId, stream.service),
  )
  const services = new Map<string, ApiService>()
  for (const { cluster, service } of inventories.services) {
    const key = serviceKey(cluster, service.id, service.name)
    services.set(key, { ...service, ...countsOf(groups.get(key) ?? []), current: true })
  }
  for (const [key, group] of groups) {
    const newest = newestOf(group)
    if (newest === undefined || services.has(key)) continue
    services.set(key, {
      ...goneService(inventories.service(newest.serviceId), newest),
      ...countsOf(group),
      current: inventories.knows(inventories.clusterOf(newest)) ? false : null,
    })
  }
  return [...services.values()].sort((a, b) => compareNames(a.name, b.name))
}

function goneService(known: Omit<ApiService, 'records' | 'current'> | undefined, stream: LogStream) {
  const { service, serviceId, stack, image } = stream
  return known ?? { name: service, id: serviceId, stack, mode: '', replicas: 0, image, update: '' }
}

function nodesOf({ inventories, ingestor }: Context, summaries: readonly StreamSummary[]): ApiNode[] {
  const groups = groupBy(summaries, ({ stream }) => stream.nodeId || stream.nodeName)
  const nodes = new Map<string, ApiNode>()
  const add = (key: string, node: Omit<ApiNode, 'records'>) => {
    const seen = ingestor.seen(key)
    const { records, last } = countsOf(groups.get(key) ?? [])
    nodes.set(key, {
      ...node,
      ...(seen !== undefined && { agent_seen: formatTime(seen) }),
      records,
      ...(last !== undefined && { last }),
    })
  }
  for (const { node } of inventories.nodes) add(node.id, node)
  for (const [key, group] of groups) {
    const newest = newestOf(group)
    if (newest === undefined || nodes.has(key)) continue
    add(key, { id: newest.nodeId, name: newest.nodeName, role: '', availability: '', state: '', engine: '' })
  }
  return [...nodes.values()].sort((a, b) => compareNames(a.name, b.name))
}

function streamOf({ inventories }: Context, summary: StreamSummary): ApiStream {
  const { stream } = summary
  return { ...streamFields({ ...stream, cluster: inventories.clusterOf(stream) }), ...countsOf([summary]) }
}

function serviceKey(cluster: string, id: string, name: string): string {
  return JSON.stringify([cluster, id === '' ? name : id])
}

function groupBy(
  summaries: readonly StreamSummary[],
  keyOf: (summary: StreamSummary) => string,
): ReadonlyMap<string, StreamSummary[]> {
  return Map.groupBy(summaries, keyOf)
}

function newestOf(group: readonly StreamSummary[]): LogStream | undefined {
  return group.reduce<StreamSummary | undefined>(
    (best, summary) => (best === undefined || summary.last > best.last ? summary : best),
    undefined,
  )?.stream
}

function countsOf(group: readonly StreamSummary[]): Counts {
  let first: bigint | undefined
  let last: bigint | undefined
  let records = 0
  for (const summary of group) {
    records += summary.records
    if (summary.records === 0) continue
    if (first === undefined || summary.first < first) first = summary.first
    if (last === undefined || summary.last > last) last = summary.last
  }
  return {
    records,
    ...(first !== undefined && { first: formatTime(first) }),
    ...(last !== undefined && { last: formatTime(last) }),
  }
}

function compareNames(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0
}
