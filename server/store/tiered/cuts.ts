import { comparePositions, type Position, type StoredRecord } from '../../../shared/record.ts'
import type { Walk } from './merge.ts'
import { arrivalOf, groupOf, isAhead } from './order.ts'

/** Where the newest N of each group begin, by its key; groups that have fewer belong whole, and have none. */
export type Cuts = ReadonlyMap<string, Position>

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
  const cuts = new Map<string, Position>()
  for (const [key, group] of groups) {
    const cut = group.end()
    if (cut !== undefined) cuts.set(key, cut)
  }
  return cuts
}

/** Whether the record belongs to the newest of its group. */
export function belongs(record: StoredRecord, cuts: Cuts, perTask: boolean): boolean {
  const cut = cuts.get(groupOf(record, perTask))
  return cut === undefined || comparePositions(arrivalOf(record), cut) >= 0
}

/** Counts the lines of one group by arrival, although they come by their time: an arrival is never behind its line's time. */
class Countdown {
  /** Arrivals of lines whose clocks ran ahead and that are not counted yet, the newest last. */
  readonly #ahead: Position[] = []
  #left: number
  #cut: Position | undefined

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

  end(): Position | undefined {
    this.#countAhead(undefined)
    return this.#cut
  }

  /** Counts those that arrived after this one. */
  #countAhead(arrival: Position | undefined): void {
    for (;;) {
      const newest = this.#ahead.at(-1)
      if (newest === undefined || (arrival !== undefined && comparePositions(newest, arrival) < 0)) return
      this.#ahead.pop()
      this.#count(newest)
    }
  }

  #count(arrival: Position): void {
    if (--this.#left === 0) this.#cut = arrival
  }

  #placeOf(arrival: Position): number {
    let [low, high] = [0, this.#ahead.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#ahead[middle]
      if (other !== undefined && comparePositions(other, arrival) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
