import type { NodeIdentity, Target } from './target.ts'

/** The container was sent a signal, at that time: maybe long ago. */
export interface Killed {
  readonly kind: 'killed'
  readonly id: string
  readonly signal: string
  readonly time: bigint
}

/** What discovery tells. Hints come twice or not at all; a container that should be followed is told again until it is. */
export type Discovery =
  | { readonly kind: 'node'; readonly node: NodeIdentity }
  | { readonly kind: 'target'; readonly target: Target }
  | Killed
  | { readonly kind: 'died'; readonly id: string }
  /** The container ran and was removed before it could be looked at: its events alone describe it. */
  | { readonly kind: 'vanished'; readonly target: Target }
  /** Containers may have come and gone in this time without anybody noticing. */
  | { readonly kind: 'unwatched'; readonly from: bigint; readonly to: bigint }
  /** All containers that there are. One that is missing was removed, or created just now. */
  | { readonly kind: 'listed'; readonly ids: ReadonlySet<string> }
