import { STRANGERS, STRANGERS_PER_ADDRESS } from './limits.ts'

/**
 * Bounds the connections that have not shown a key yet, so that they cannot crowd out those that have.
 * There is no bound per address for the others: many agents behind one NAT are normal.
 */
export class Admission {
  readonly #strangers = new Map<string, number>()
  #total = 0

  /** Lets a stranger in; returns how to say that it is one no more, or undefined when there are too many. */
  enter(address: string): (() => void) | undefined {
    const count = this.#strangers.get(address) ?? 0
    if (this.#total >= STRANGERS || count >= STRANGERS_PER_ADDRESS) return undefined
    this.#total++
    this.#strangers.set(address, count + 1)
    let isStranger = true
    return () => {
      if (isStranger) this.#leave(address)
      isStranger = false
    }
  }

  #leave(address: string): void {
    this.#total--
    const count = (this.#strangers.get(address) ?? 1) - 1
    if (count === 0) this.#strangers.delete(address)
    else this.#strangers.set(address, count)
  }
}
