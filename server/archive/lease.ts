/** What a query holds on to while it reads: files that must not go. */
export class Lease {
  readonly signal: AbortSignal | undefined
  readonly #releases: (() => void)[] = []

  /** @param signal ends what is waited for. */
  constructor(signal?: AbortSignal) {
    this.signal = signal
  }

  hold(release: () => void): void {
    this.#releases.push(release)
  }

  /** Lets go of all; it can be used again. */
  release(): void {
    for (const release of this.#releases.splice(0)) release()
  }
}
