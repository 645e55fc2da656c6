import { type Scalar, shownOf } from './named-field.ts'

/** Different values that are counted apart at most; lines with further ones are only counted. */
const MAX_VALUES = 100_000

/** One value and how many lines have it. */
export interface CountedValue {
  readonly value: Scalar
  readonly records: number
}

/** Counts values by their texts, as queries ask for them: "1" and 1 are one. */
export class CountedValues {
  readonly #counts = new Map<string, { value: Scalar; records: number }>()
  /** Lines that have no value. */
  without = 0
  #isFull = false

  add(value: Scalar | undefined, records = 1): void {
    if (value === undefined) {
      this.without += records
      return
    }
    const text = String(value)
    const known = this.#counts.get(text)
    if (known !== undefined) {
      known.value = shownOf(known.value, value)
      known.records += records
    } else if (this.#counts.size >= MAX_VALUES) this.#isFull = true
    else this.#counts.set(text, { value, records })
  }

  /** The most frequent ones that begin like that, whatever their case, and whether there are more. */
  top(limit: number, prefix = ''): { values: CountedValue[]; more: boolean } {
    const head = prefix.toLowerCase()
    const values = [...this.#counts].filter(([text]) => text.toLowerCase().startsWith(head))
    values.sort(([a, one], [b, other]) => other.records - one.records || (a < b ? -1 : 1))
    const listed = values.slice(0, limit).map(([, counted]) => counted)
    return { values: listed, more: this.#isFull || values.length > limit }
  }
}
