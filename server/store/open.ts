import type { ElasticsearchConfig } from '../config/elasticsearch.ts'
import type { EmbeddedOptions } from './embedded/parts.ts'
import type { Store } from './store.ts'

/** Which store to open: Elasticsearch when it is given, else the embedded one in its folder. */
export type StoreOptions = EmbeddedOptions & { readonly elasticsearch?: ElasticsearchConfig }

/** Opens the store that the server was configured for. Only that one is loaded: each brings a large library. */
export async function openStore({ elasticsearch, ...options }: StoreOptions): Promise<Store> {
  if (elasticsearch !== undefined) {
    const { openElasticStore } = await import('./elasticsearch/store.ts')
    const { retentionMs, maxBytes, log } = options
    return openElasticStore({ ...elasticsearch, retentionMs, ...(maxBytes !== undefined && { maxBytes }), log })
  }
  const { EmbeddedStore } = await import('./embedded/store.ts')
  return EmbeddedStore.open(options)
}
