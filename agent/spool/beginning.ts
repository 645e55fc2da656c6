import type { Meta } from './meta.ts'

const NAME = 'since'
/** Older agents did not note it, and what they knew may be as old as anything. */
const ALWAYS = '0'

/** Since when the state knows of all that comes and goes on the node: its first list of containers. Nobody knows what went before a state that was made anew. */
export class Beginning {
  readonly #meta: Meta
  #since: string

  /** `isUsed`: there is something in the spool. */
  constructor(meta: Meta, isUsed: boolean) {
    this.#meta = meta
    if (meta.get(NAME) === undefined) meta.putSure(NAME, isUsed ? ALWAYS : '')
    this.#since = meta.getSure(NAME) ?? ''
  }

  /** Has a state of which a part is lost begin anew. */
  static forget(meta: Meta): void {
    meta.putSure(NAME, '')
  }

  /** Nanoseconds since 1970, decimal; '' before the first list. */
  get since(): string {
    return this.#since
  }

  /** Notes the first list; may throw what the disk says. */
  note(time: bigint): void {
    if (this.#since !== '') return
    this.#meta.putSure(NAME, String(time))
    this.#since = String(time)
  }
}
