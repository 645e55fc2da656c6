import { greater } from '../bigint.ts'

/** Gives each commit its `received`, greater than all before it, and knows the newest that is committed. */
export class CommitClock {
  #committed: bigint
  #given: bigint

  constructor(committed: bigint) {
    this.#committed = committed
    this.#given = committed
  }

  /** The newest commit's. */
  get committed(): bigint {
    return this.#committed
  }

  /** The next commit's. */
  next(): bigint {
    this.#given = greater(now(), this.#given + 1n)
    return this.#given
  }

  /** A commit of ours, or of another server, is durable. */
  commit(received: bigint): void {
    this.#committed = greater(this.#committed, received)
    this.#given = greater(this.#given, received)
  }

  /** All that `next` gives from now on is greater than what this answers, which is at least `atLeast`. */
  mark(atLeast: bigint): bigint {
    this.#given = greater(this.#given, greater(now(), atLeast))
    return this.#given
  }
}

/** Now, to the nanosecond, so that no other server's commit has the same. */
function now(): bigint {
  const micros = BigInt(Math.floor((performance.timeOrigin + performance.now()) * 1000))
  return micros * 1000n + (process.hrtime.bigint() % 1000n)
}
