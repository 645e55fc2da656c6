/** Lets one stage wait until another has done something; a ring that nobody waits for is forgotten. */
export class Bell {
  #ring: () => void = () => {}
  #rung: Promise<void> | undefined

  /** Resolves at the next ring. */
  wait(): Promise<void> {
    this.#rung ??= new Promise((resolve) => {
      this.#ring = resolve
    })
    return this.#rung
  }

  ring(): void {
    this.#rung = undefined
    this.#ring()
  }
}
