import type { Scalar } from './named-field.ts'

/** Different values that are counted apart at most; lines with further ones are only counted. */
const MAX_VALUES = 100_000

/** One value and how many lines have it. */
export interface CountedValue {
  readonly value: Scalar
  readonly records: number
}

/** Counts values; "1" and 1 are two. */
export class CountedValues {
  readonly #counts = new Map<Scalar, number>()
  /** Lines that have no value. */
  without = 0
  #isFull = false

  add(value: Scalar | undefined, records = 1): void {
    if (value === undefined) {
      this.without += records
      return
    }
    const known = this.#counts.get(value)
    if (known === undefined && this.#counts.size >= MAX_VALUES) this.#isFull = true
    else this.#counts.set(value, (known ?? 0) + records)
  }

  /** The most frequent ones that begin like that, whatever their case, and whether there are more. */
  top(limit: number, prefix = ''): { values: CountedValue[]; more: boolean } {
    const head = prefix.toLowerCase()
    const values = [...this.#counts]
      .map(([value, records]) => ({ value, records, text: String(value) }))
      .filter(({ text }) => text.toLowerCase().startsWith(head))
    values.sort((a, b) => b.records - a.records || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    const listed = values.slice(0, limit).map(({ value, records }) => ({ value, records }))
    return { values: listed, more: this.#isFull || values.length > limit }
  }
}
