/** The turn of one fault among those that are done to the same Swarm. */
export interface Turn {
  /** Resolves when all that is over that the faults before it did. */
  alone(): Promise<unknown>
  /** It does nothing more to the Swarm: the next one may begin. */
  end(): void
  /** What it did is compared, and undone. */
  settle(): void
}

/** Faults take turns, in the order in which they came: while one of them waits until all is well again, the next one is prepared. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()
  #settled: Promise<unknown> = Promise.resolve()

  /** Resolves when it is this one's turn. */
  async take(): Promise<Turn> {
    const [before, settledBefore] = [this.#last, this.#settled]
    const [turn, settled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    this.#last = turn.promise
    this.#settled = Promise.all([settledBefore, settled.promise])
    await before
    return { alone: () => settledBefore, end: turn.resolve, settle: settled.resolve }
  }
}
