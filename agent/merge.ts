import { setImmediate } from 'node:timers/promises'

/** Items that have been read ahead of the consumer may hold so many bytes in all. */
const MAX_READY_BYTES = 8 * 1024 * 1024
/** After so many urgent items in a row a patient one gets its turn. */
const URGENT_RUN = 8

/** How soon a source's items are wanted: patient ones yield to urgent ones. */
export type Urgency = 'urgent' | 'patient'

interface Origin<T> {
  readonly items: AsyncIterator<T, unknown>
  readonly urgency: Urgency
  readonly onEnd: (error?: unknown) => void
}

interface Ready<T> {
  readonly origin: Origin<T>
  readonly item: T
}

/**
 * Merges a changing set of sources fairly: each has at most one item read ahead, and those that are ready take turns.
 * When what is read ahead holds too many bytes, sources are left alone until the consumer has pulled.
 */
export class Merge<T> implements AsyncIterableIterator<T> {
  readonly #bytes: (item: T) => number
  readonly #ready: Record<Urgency, Ready<T>[]> = { urgent: [], patient: [] }
  /** Sources that wait for room. */
  readonly #parked: Origin<T>[] = []
  #readyBytes = 0
  #urgentRun = 0
  #isClosed = false
  #wake: (() => void) | undefined

  constructor(bytes: (item: T) => number) {
    this.#bytes = bytes
  }

  /** Adds a source; `onEnd` is called once, when it has ended or failed. */
  add(items: AsyncIterator<T, unknown>, urgency: Urgency, onEnd: (error?: unknown) => void): void {
    this.#pull({ items, urgency, onEnd })
  }

  /** Ends the merged sequence once what is ready has been pulled. */
  close(): void {
    this.#isClosed = true
    this.#wake?.()
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    this.#readAhead()
    for (;;) {
      // Urgent sources that were just pulled get the time to answer before a patient one is served.
      if (this.#ready.urgent.length === 0 && this.#ready.patient.length > 0) await setImmediate()
      const ready = this.#take()
      if (ready) return { done: false, value: this.#handOut(ready) }
      if (this.#isClosed) return { done: true, value: undefined }
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #take(): Ready<T> | undefined {
    const { urgent, patient } = this.#ready
    const isUrgentNext = urgent.length > 0 && (patient.length === 0 || this.#urgentRun < URGENT_RUN)
    this.#urgentRun = isUrgentNext ? this.#urgentRun + 1 : 0
    return (isUrgentNext ? urgent : patient).shift()
  }

  #handOut({ origin, item }: Ready<T>): T {
    this.#readyBytes -= this.#bytes(item)
    this.#parked.push(origin)
    return item
  }

  /** Sources go on only when the consumer comes back: by then it is done with what it was given. */
  #readAhead(): void {
    while (this.#readyBytes < MAX_READY_BYTES) {
      const origin = this.#parked.shift()
      if (!origin) return
      this.#pull(origin)
    }
  }

  #pull(origin: Origin<T>): void {
    origin.items.next().then(
      (result) => {
        if (result.done) origin.onEnd()
        else this.#push({ origin, item: result.value })
      },
      (error: unknown) => origin.onEnd(error ?? new Error('BUG: a source failed without a reason')),
    )
  }

  #push(ready: Ready<T>): void {
    this.#readyBytes += this.#bytes(ready.item)
    this.#ready[ready.origin.urgency].push(ready)
    this.#wake?.()
  }
}
