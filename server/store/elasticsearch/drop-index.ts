import type { Counts } from './counts.ts'
import type { Freshness } from './freshness.ts'
import type { Indices } from './indices.ts'
import type { Notes } from './notes.ts'
import type { Requests } from './requests.ts'
import { type IdentifyingSettings, uuidOf } from './sizes.ts'

/** What it takes to delete an index. */
export interface DropParts {
  readonly requests: Requests
  readonly notes: Notes
  readonly indices: Indices
  readonly counts: Counts
  readonly freshness: Freshness
}

interface Described {
  readonly [index: string]: {
    readonly mappings: { readonly _meta?: { readonly swarmlogs?: object } }
    readonly settings: IdentifyingSettings
  }
}

/** Deletes an index of ours, if it is one that `isMeant` by its UUID; whether it did. */
export async function dropIndex(
  parts: DropParts,
  index: string,
  isMeant: (uuid: string) => boolean = () => true,
): Promise<boolean> {
  const { requests, notes, indices, counts, freshness } = parts
  const query = { ignore_unavailable: true }
  const { [index]: found } = await requests.send<Described>('GET', `/${index}`, { query })
  // The name alone does not make it ours.
  const isOurs = found?.mappings._meta?.swarmlogs !== undefined && isMeant(uuidOf(found.settings))
  if (isOurs) {
    // Whoever misses it must know that it was not lost.
    await notes.write('expired', index, uuidOf(found.settings))
    await requests.send('DELETE', `/${index}`, { query })
  }
  if (isOurs || found === undefined) {
    indices.forget(index)
    counts.forget(index)
    freshness.forget(index)
  }
  return isOurs
}
