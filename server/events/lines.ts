import type { Context } from '../context.ts'
import type { Store } from '../store/store.ts'
import { type StartOf, startsOf } from './start.ts'

/** What events are made from. */
export interface Lines extends Pick<Store, 'search'> {
  readonly startOf: StartOf
}

/** The stored lines, and what is known of how events begin in them. */
export function linesOf({ store, inventories }: Pick<Context, 'store' | 'inventories'>): Lines {
  const startOf = startsOf((serviceId) => inventories.service(serviceId)?.multiline)
  return { search: (query, signal) => store.search(query, signal), startOf }
}
