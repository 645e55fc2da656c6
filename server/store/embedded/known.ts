/** The times that may be stored of one container and source: disjoint, sorted, never less than what is stored. */
interface Interval {
  readonly first: bigint
  last: bigint
}

/** How many intervals are told apart before the oldest two become one. */
const MAX_INTERVALS = 8

/** What is known of one (group, source) without looking into the files. */
export class Known {
  readonly #intervals: Interval[]
  /** The group of equal times that was written last, while all of it is known; `next` is the first ordinal that is free. */
  #tip: { readonly time: bigint; next: number } | undefined
  /** The read of a group whose head is missing: the ordinal that goes on with it, and how often it had which message. */
  head: { readonly time: bigint; next: number; readonly seen: Map<string, number> } | undefined

  /** Starts from the range of times that the catalog has, undefined when it has none. */
  constructor(range: { first: bigint; last: bigint } | undefined) {
    this.#intervals = range === undefined ? [] : [{ first: range.first, last: range.last }]
  }

  /** Whether something of this time may be stored. */
  covers(time: bigint): boolean {
    const interval = this.#intervals[this.#below(time)]
    return interval !== undefined && time <= interval.last
  }

  /** Notes a line of a time that was not covered. */
  add(time: bigint): void {
    const index = this.#below(time)
    const interval = this.#intervals[index]
    // A line between two intervals extends the one before it: claiming too much only costs a look-up.
    if (interval !== undefined) interval.last = time
    else this.#addFirst(time)
  }

  /** Opens a group of equal times of which nothing else is stored. */
  startTip(time: bigint, next: number): void {
    this.#tip = { time, next }
  }

  /** Whether an own line is surely new: of the group written last, behind all of its lines. Notes it then. */
  takeOrdinal(time: bigint, ordinal: number): boolean {
    const tip = this.#tip
    if (tip === undefined || tip.time !== time || ordinal < tip.next) return false
    tip.next = ordinal + 1
    return true
  }

  /** The next ordinal of the group written last, undefined when the time is another's. */
  nextOrdinal(time: bigint): number | undefined {
    return this.#tip?.time === time ? this.#tip.next++ : undefined
  }

  /** Forgets the group written last, because ordinals in it were given otherwise. */
  endTip(time: bigint): void {
    if (this.#tip?.time === time) this.#tip = undefined
  }

  #addFirst(time: bigint): void {
    this.#intervals.unshift({ first: time, last: time })
    if (this.#intervals.length <= MAX_INTERVALS) return
    const [first, second] = this.#intervals
    if (first !== undefined && second !== undefined)
      this.#intervals.splice(0, 2, { first: first.first, last: second.last })
  }

  /** Index of the last interval that starts at the time or before it; -1 when there is none. */
  #below(time: bigint): number {
    return this.#intervals.findLastIndex((interval) => interval.first <= time)
  }
}
