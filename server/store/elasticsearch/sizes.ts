import type { Names } from './names.ts'
import type { Requests } from './requests.ts'

/** An index as the cluster describes it. */
export interface IndexSize {
  readonly records: number
  /** On the disks of all nodes. */
  readonly bytes: number
}

interface Stats {
  readonly indices?: Readonly<
    Record<
      string,
      {
        readonly primaries?: { readonly docs: { readonly count: number } }
        readonly total?: { readonly store: { readonly size_in_bytes: number } }
      }
    >
  >
}

/** Settings of an index that tell which one it is. */
export interface IdentifyingSettings {
  readonly index: { readonly uuid: string; readonly history?: { readonly uuid?: string } }
}

interface Settings {
  readonly [index: string]: { readonly settings: IdentifyingSettings }
}

interface SizeParts {
  readonly requests: Requests
  readonly names: Names
}

/** How large our indices are; those that no running node holds are not among them. */
export async function readSizes({ requests, names }: SizeParts): Promise<Map<string, IndexSize>> {
  const stats = await requests.send<Stats>('GET', `/${names.all}/_stats/docs,store`, {
    query: { filter_path: 'indices.*.primaries.docs.count,indices.*.total.store.size_in_bytes' },
  })
  const sizes = new Map<string, IndexSize>()
  for (const [index, { primaries, total }] of Object.entries(stats.indices ?? {})) {
    if (names.parse(index) === undefined) continue
    sizes.set(index, { records: primaries?.docs.count ?? 0, bytes: total?.store.size_in_bytes ?? 0 })
  }
  return sizes
}

/** All indices that may be ours, with their UUIDs, also those that no running node holds. */
export async function readUuids({ requests, names }: SizeParts): Promise<Map<string, string>> {
  const found = await requests.send<Settings>('GET', `/${names.all}/_settings/index.uuid,index.history.uuid`, {
    query: { expand_wildcards: 'all' },
  })
  return new Map(Object.entries(found).map(([index, { settings }]) => [index, uuidOf(settings)]))
}

/** What an index is known by: one that a snapshot is restored over keeps its UUID, and gets another history. */
export function uuidOf({ index: { uuid, history } }: IdentifyingSettings): string {
  return history?.uuid === undefined ? uuid : `${uuid}/${history.uuid}`
}
