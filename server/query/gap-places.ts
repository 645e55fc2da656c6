import type { StoredRecord } from '../../shared/record.ts'
import type { Told } from '../gap-feed.ts'
import type { Missing } from '../missing.ts'
import type { Question } from './question.ts'

/** Puts gaps and notes in their places among the lines of one answer, which may go on where another one ended: each once, behind the lines up to its begin. */
export class GapPlaces {
  readonly #missing: Missing
  readonly #isDescending: boolean
  #left: Told[] | undefined
  readonly #after: bigint | undefined

  constructor(missing: Missing, { cursor }: Pick<Question, 'cursor'>, order: 'asc' | 'desc') {
    this.#missing = missing
    this.#isDescending = order === 'desc'
    this.#after = cursor?.position?.time
  }

  /** What comes before the record, which comes next. */
  before({ time }: StoredRecord): readonly Told[] {
    // Ascending, the first line is where the newest ones begin.
    if (this.#left === undefined && !this.#isDescending && this.#after === undefined) this.#missing.beginAt(time)
    const left = this.#start()
    const end = left.findIndex(({ from }) => (this.#isDescending ? from < time : from >= time))
    return left.splice(0, end === -1 ? left.length : end)
  }

  /** What is behind the last record, whose time is given; none when the answer goes on elsewhere. */
  rest(last: bigint | undefined, isCut: boolean): readonly Told[] {
    const left = this.#start()
    if (isCut) return []
    if (this.#isDescending && last !== undefined) this.#missing.beginAt(last)
    const inRange = new Set(this.#missing.told)
    return left.filter((gap) => inRange.has(gap))
  }

  #start(): Told[] {
    if (this.#left !== undefined) return this.#left
    const after = this.#after
    const gaps = this.#isDescending ? this.#missing.told.toReversed() : [...this.#missing.told]
    this.#left = gaps.filter(({ from }) => after === undefined || (this.#isDescending ? from < after : from >= after))
    return this.#left
  }
}
