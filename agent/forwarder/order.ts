import type { SpooledChunk } from '../chunk.ts'
import type { Spool } from '../spool.ts'

/** Of so many chunks in a row at least one is of the backlog, and at least one fresh. */
const ROUND = 4
const FRESH_TURN = 0
const BACKLOG_TURN = 2
/** Fresh chunks that have waited longer get the other turns, too. */
const FRESH_LAG_MS = 1_000

/**
 * The order of sending on one connection. What was spooled before it is the backlog, oldest first; what comes since is fresh, oldest first.
 * While both wait they take turns: of four chunks one or, as soon as fresh ones wait for a second, three are fresh. So somebody who tails
 * sees new lines in about a second while hours are caught up with, as long as they take less than three quarters of what the server can.
 * That is safe: order in the store is by time and identity, and checkpoints count with the append to the spool.
 */
export class Order {
  readonly #spool: Pick<Spool, 'next' | 'waitedMs' | 'lastSeq'>
  readonly #seam: number
  /** Behind the last chunk of each that was sent. */
  #backlog = 0
  #fresh: number
  #turn = 0

  constructor(spool: Pick<Spool, 'next' | 'waitedMs' | 'lastSeq'>) {
    this.#spool = spool
    this.#seam = spool.lastSeq
    this.#fresh = this.#seam
  }

  /** The chunk to send next; undefined when all were. */
  next(): SpooledChunk | undefined {
    const isFreshTurn = this.#isFreshTurn()
    this.#turn = (this.#turn + 1) % ROUND
    return isFreshTurn ? (this.#nextFresh() ?? this.#nextOfBacklog()) : (this.#nextOfBacklog() ?? this.#nextFresh())
  }

  #isFreshTurn(): boolean {
    if (this.#turn === FRESH_TURN) return true
    if (this.#turn === BACKLOG_TURN || this.#backlog === this.#seam) return false
    return (this.#spool.waitedMs(this.#fresh) ?? 0) > FRESH_LAG_MS
  }

  #nextFresh(): SpooledChunk | undefined {
    const chunk = this.#spool.next(this.#fresh)
    this.#fresh = chunk?.seq ?? this.#fresh
    return chunk
  }

  #nextOfBacklog(): SpooledChunk | undefined {
    if (this.#backlog === this.#seam) return undefined
    const chunk = this.#spool.next(this.#backlog, this.#seam)
    // A chunk cannot be added behind the seam: once there is none, there will be none.
    this.#backlog = chunk?.seq ?? this.#seam
    return chunk
  }
}
