import { SwarmlogsError } from '../shared/errors.ts'

/** A bounded number of places; who finds none is refused at once. */
export class Slots {
  readonly #max: number
  readonly #what: string
  #taken = 0

  /** `what` is named when there is no place. */
  constructor(max: number, what = 'streamed answers') {
    this.#max = max
    this.#what = what
  }

  /** Takes a place and returns what gives it back (once; further calls do nothing). Throws SWARMLOGS_LIMIT when all are taken. */
  take(): () => void {
    if (this.#taken >= this.#max) {
      throw new SwarmlogsError(
        'SWARMLOGS_LIMIT',
        `cannot serve more than ${this.#max} ${this.#what} at once: end some, or try again later`,
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
