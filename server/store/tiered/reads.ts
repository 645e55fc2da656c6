/** What reads a store just now. */
export class Reads {
  readonly #running = new Set<Promise<void>>()

  /** Notes that a read begins; answers what must be called when it has ended. */
  begin(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#running.add(promise)
    return () => {
      this.#running.delete(promise)
      resolve()
    }
  }

  /** Resolves when all that runs now has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#running)
  }
}
