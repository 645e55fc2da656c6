import { REPORT_LIST_LIMIT } from '../../shared/report.ts'

/** Up to where a store has all lines. Times are nanoseconds since 1970. */
export interface Mark {
  readonly upTo: bigint
  /** Containers of which it has all lines only up to a time of their own. */
  readonly behind: ReadonlyMap<string, bigint>
  /** What their services are called. */
  readonly services: ReadonlyMap<string, string>
}

/** How far the reading of a container is, that is not done with all up to now. */
export interface Lag {
  readonly upTo: bigint
  /** It was never read to its end: what was said before it was known does not hold for it. */
  readonly isNew: boolean
  readonly service: string
}

/** What was read by a moment. */
export interface Sight {
  readonly upTo: bigint
  readonly behind: ReadonlyMap<string, Lag>
  /** How many lines and gaps had been handed on by then. */
  readonly handed: number
}

/** Where the spool is. */
export interface SpoolState {
  /** How many of those that were handed on it has taken. */
  readonly taken: number
  /** Its newest chunk, and the oldest that is not acked; undefined when all are. */
  readonly lastSeq: number
  readonly oldestSeq: number | undefined
}

interface Pending extends Sight {
  /** The chunks up to this hold all that had been handed on; undefined while some are on their way to the spool. */
  lastSeq: number | undefined
}

/** Sights that wait for acks; at the bound every other one is forgotten, and of those to come: the steps only become larger. */
const MAX_PENDING = 64

/** A clock that goes back by less is only read a little differently. */
const CLOCK_BACK_NS = 500_000_000n

/**
 * Turns what was read into what is stored: a sight counts once every chunk that was spooled by then is acked. It never goes back, neither
 * as a whole nor for a container, unless the clock does: lines to come then get times that were said to be stored.
 */
export class Watermark {
  #mark: Mark | undefined
  #pending: Pending[] = []
  /** Of so many sights one is kept, and how many were not since the last. */
  #stride = 1
  #skipped = 0

  /** `mark`: where it was before a restart. */
  constructor(mark?: Mark) {
    this.#mark = mark
  }

  /** undefined: nothing is known to be stored. */
  get mark(): Mark | undefined {
    return this.#mark
  }

  /** Takes a sight, which waits for its acks; none that names too many containers to tell. */
  see(sight: Sight): void {
    const newest = this.#pending.at(-1) ?? this.#mark
    if (newest !== undefined && sight.upTo < newest.upTo - CLOCK_BACK_NS) {
      this.#mark = undefined
      this.#pending = []
    } else if (newest !== undefined && sight.upTo <= newest.upTo) return
    if (sight.behind.size > REPORT_LIST_LIMIT) return
    if (this.#pending.length === 0) this.#stride = 1
    if (++this.#skipped < this.#stride) return
    this.#skipped = 0
    this.#pending.push({ ...sight, lastSeq: undefined })
    if (this.#pending.length < MAX_PENDING) return
    this.#pending = this.#pending.filter((_, index) => index % 2 === 1)
    this.#stride *= 2
  }

  /** Moves on as far as the spool allows. */
  settle({ taken, lastSeq, oldestSeq }: SpoolState): void {
    for (const sight of this.#pending) if (taken >= sight.handed) sight.lastSeq ??= lastSeq
    for (let sight = this.#pending[0]; sight?.lastSeq !== undefined; sight = this.#pending[0]) {
      if (oldestSeq !== undefined && oldestSeq <= sight.lastSeq) return
      this.#mark = this.#after(sight)
      this.#pending.shift()
    }
  }

  #after({ upTo, behind }: Sight): Mark {
    const lagging = [...behind].map(([id, lag]) => [id, later(lag.upTo, this.#before(id, lag.isNew))] as const)
    const services = [...behind].map(([id, { service }]) => [id, service] as const)
    return { upTo, behind: new Map(lagging.filter(([, own]) => own < upTo)), services: new Map(services) }
  }

  /** What is known of one container already. */
  #before(id: string, isNew: boolean): bigint {
    return this.#mark?.behind.get(id) ?? (isNew ? 0n : (this.#mark?.upTo ?? 0n))
  }
}

function later(one: bigint, other: bigint): bigint {
  return one > other ? one : other
}
