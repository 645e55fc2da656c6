import { SwarmlogsError } from '../shared/errors.ts'

/** A bounded number of places; who finds none is refused at once. */
export class Slots {
  readonly #max: number
  #taken = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Takes a place and returns what gives it back (once; further calls do nothing). Throws SWARMLOGS_LIMIT when all are taken. */
  take(): () => void {
    if (this.#taken >= this.#max) {
      throw new SwarmlogsError(
        'SWARMLOGS_LIMIT',
        `cannot serve more than ${this.#max} streamed answers at once: end some, or try again later`,
      )
    }
    this.#taken++
    let isTaken = true
    return () => {
      if (isTaken) this.#taken--
      isTaken = false
    }
  }

  get taken(): number {
    return this.#taken
  }
}
