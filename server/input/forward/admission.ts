import { CONNECTIONS_PER_NAME, STRANGERS, STRANGERS_PER_ADDRESS } from './limits.ts'

/** A connection as the bounds see it. */
export interface Guest {
  /** The sender has shown a key and named itself, or no key is asked for; false when there are too many of its name. */
  admit(name: string | undefined): boolean
  /** The connection is over. */
  leave(): void
}

/**
 * Bounds the connections that have not shown a key yet, so that they cannot crowd out those that have; these are bounded by the
 * name that they give, as one broken sender may open connections and never close them. There is no bound per address for
 * them: many agents behind one NAT are normal.
 */
export class Admission {
  readonly #strangers = new Counts()
  readonly #names = new Counts()

  /** Lets a stranger in; undefined when there are too many. */
  enter(address: string): Guest | undefined {
    const strangers = this.#strangers
    if (strangers.total >= STRANGERS || strangers.of(address) >= STRANGERS_PER_ADDRESS) return undefined
    let leave = strangers.add(address)
    return {
      admit: (name) => {
        if (name !== undefined && this.#names.of(name) >= CONNECTIONS_PER_NAME) return false
        leave()
        leave = name === undefined ? () => undefined : this.#names.add(name)
        return true
      },
      leave: () => {
        leave()
        leave = () => undefined
      },
    }
  }
}

/** How often each name is there. */
class Counts {
  readonly #counts = new Map<string, number>()
  total = 0

  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  /** Counts one more; returns how to count it no more, once. */
  add(name: string): () => void {
    this.total++
    this.#counts.set(name, this.of(name) + 1)
    return () => {
      this.total--
      const count = this.of(name) - 1
      if (count === 0) this.#counts.delete(name)
      else this.#counts.set(name, count)
    }
  }
}
