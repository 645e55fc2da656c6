import { setTimeout as delay } from 'node:timers/promises'
import type { ApiCompleteness } from '../../../shared/api/completeness.ts'
import type { Ask } from './answers.ts'

const EVERY_MS = 200
const DAY_MS = 86_400_000

/** Watches how long after the end of a fault lines come again, and all is here that was printed before. */
export class Recovery {
  readonly #ask: Ask
  readonly #since: number
  readonly #left: () => string | undefined
  readonly #ended = Date.now()
  readonly #started = performance.now()
  readonly #stop = new AbortController()
  readonly #watching: Promise<void>
  #needsFresh = true
  /** Until the first line is stored that was printed after the end of the fault. */
  freshSeconds: number | undefined
  /** Until the server says that nothing is missing that was printed before it, but what gaps tell of. */
  wholeSeconds: number | undefined

  /** The fault ends now; it began after `since`, ms since 1970. `left`: the id of a node that is missed for ever. */
  constructor(ask: Ask, since: number, left: () => string | undefined = () => undefined) {
    this.#ask = ask
    this.#left = left
    this.#since = since
    this.#watching = this.#watch()
  }

  /** '' when it is known how long it took. */
  get problem(): string {
    if (this.#needsFresh && this.freshSeconds === undefined)
      return 'no line was stored that was printed after the fault'
    return this.wholeSeconds === undefined ? 'it is not said that all is here from before the end of the fault' : ''
  }

  /** Ends when both are known, or at the latest after so long. @param isSilent nothing was printed after the fault */
  async end(withinMs: number, isSilent = false): Promise<void> {
    this.#needsFresh = !isSilent
    const tooLong = delay(withinMs, undefined, { signal: this.#stop.signal }).catch(() => {})
    await Promise.race([this.#watching, tooLong])
    await this.stop()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#watching
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted && this.#isOpen) {
      if (this.freshSeconds === undefined && (await this.#isFresh())) this.freshSeconds = this.#seconds()
      if (this.wholeSeconds === undefined && (await this.#isWhole())) this.wholeSeconds = this.#seconds()
      await delay(EVERY_MS, undefined, { signal }).catch(() => {})
    }
  }

  get #isOpen(): boolean {
    return this.wholeSeconds === undefined || (this.#needsFresh && this.freshSeconds === undefined)
  }

  async #isFresh(): Promise<boolean> {
    const answer = await this.#ask(this.#ended, this.#ended + DAY_MS)
    return (answer?.records ?? 0) > 0
  }

  async #isWhole(): Promise<boolean> {
    const answer = await this.#ask(this.#since, this.#ended)
    return answer !== undefined && isWhole(answer.completeness, this.#left())
  }

  #seconds(): number {
    return (performance.now() - this.#started) / 1000
  }
}

/** Whether nothing is missing but what gaps tell of; `left`: the id of a node that is missed for ever. */
export function isWhole({ verdict, nodes, membership, gaps }: ApiCompleteness, left?: string): boolean {
  return verdict === 'complete' || (nodes.every(({ id }) => id === left) && membership === 'known' && gaps > 0)
}
