/** Lets at most so many tasks run at a time; the others wait in the order they came. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** Waits for a slot; the caller must call what it resolves to when it is done. Rejects when the signal aborts. */
  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#free > 0) this.#free -= 1
    else await this.#wait(signal)
    let released = false
    return () => {
      if (!released) this.#release()
      released = true
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const enter = () => {
      signal.removeEventListener('abort', leave)
      resolve()
    }
    const leave = () => {
      this.#waiting.splice(this.#waiting.indexOf(enter), 1)
      reject(signal.reason)
    }
    this.#waiting.push(enter)
    signal.addEventListener('abort', leave, { once: true })
    return promise
  }

  #release(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#free += 1
  }
}
