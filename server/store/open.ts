import type { EmbeddedOptions } from './embedded/parts.ts'
import { EmbeddedStore } from './embedded/store.ts'
import type { Store } from './store.ts'

/** Opens the store that the server was configured for: the embedded one, in a folder. */
export async function openStore(options: EmbeddedOptions): Promise<Store> {
  return EmbeddedStore.open(options)
}
