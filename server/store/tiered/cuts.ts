import type { StoredRecord } from '../../../shared/record.ts'
import type { Walk } from './merge.ts'
import { type Arrival, arrivalOf, compareArrivals, groupOf, isAhead } from './order.ts'

/** Where the newest N of each group begin, by its key; groups that have fewer belong whole, and have none. */
export type Cuts = ReadonlyMap<string, Arrival>

/** Finds the cuts of what a walk from the newest line back has. */
export async function findCuts(walk: Walk, newest: number, perTask: boolean): Promise<Cuts> {
  const groups = new Map<string, Countdown>()
  for await (const batch of walk) {
    for (const record of batch) {
      const key = groupOf(record, perTask)
      const group = groups.get(key) ?? new Countdown(newest)
      groups.set(key, group)
      group.take(record)
    }
  }
  const cuts = new Map<string, Arrival>()
  for (const [key, group] of groups) {
    const cut = group.end()
    if (cut !== undefined) cuts.set(key, cut)
  }
  return cuts
}

/** Whether the record belongs to the newest of its group. */
export function belongs(record: StoredRecord, cuts: Cuts, perTask: boolean): boolean {
  const cut = cuts.get(groupOf(record, perTask))
  return cut === undefined || compareArrivals(arrivalOf(record), cut) >= 0
}

/** Counts the lines of one group by arrival, although they come by their time: an arrival is never behind its line's time. */
class Countdown {
  /** Arrivals of lines whose clocks ran ahead and that are not counted yet, the newest last. */
  readonly #ahead: Arrival[] = []
  #left: number
  #cut: Arrival | undefined

  constructor(count: number) {
    this.#left = count
  }

  take(record: StoredRecord): void {
    if (this.#cut !== undefined) return
    const arrival = arrivalOf(record)
    if (isAhead(record)) {
      this.#ahead.splice(this.#placeOf(arrival), 0, arrival)
      return
    }
    this.#countAhead(arrival)
    this.#count(arrival)
  }

  end(): Arrival | undefined {
    this.#countAhead(undefined)
    return this.#cut
  }

  /** Counts those that arrived after this one. */
  #countAhead(arrival: Arrival | undefined): void {
    for (;;) {
      const newest = this.#ahead.at(-1)
      if (newest === undefined || (arrival !== undefined && compareArrivals(newest, arrival) < 0)) return
      this.#ahead.pop()
      this.#count(newest)
    }
  }

  #count(arrival: Arrival): void {
    if (--this.#left === 0) this.#cut = arrival
  }

  #placeOf(arrival: Arrival): number {
    let [low, high] = [0, this.#ahead.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#ahead[middle]
      if (other !== undefined && compareArrivals(other, arrival) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
