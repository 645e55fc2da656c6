import { setTimeout as delay } from 'node:timers/promises'
import type { ApiCount } from '../../../shared/api/answers.ts'
import type { Missed } from '../../lab/gap-ledger.ts'

/** Asks a server for the number of lines from a time (inclusive) to another (exclusive), ms since 1970; undefined while it does not answer. */
export type Ask = (since: number, until: number) => Promise<ApiCount | undefined>

const EVERY_MS = 1_000
/** Agents report every two seconds, so that younger answers are seldom complete. */
const BEHIND_MS = 3_000
const NS_PER_MS = 1_000_000n

/** An answer that was said to be complete. */
interface Claim {
  readonly since: number
  readonly until: number
  readonly records: number
}

/** Asks a server all the while, and remembers what it says is complete: nothing may come to that later, nor be missing from it. */
export class Answers {
  readonly #ask: Ask
  readonly #behindMs: number
  readonly #stop = new AbortController()
  readonly #asking: Promise<void>
  /** When it began, ms since 1970. */
  readonly began = Date.now()
  #claims: Claim[] = []

  /** `behindMs`: how old what it asks for is. */
  constructor(ask: Ask, behindMs = BEHIND_MS) {
    this.#ask = ask
    this.#behindMs = behindMs
    this.#asking = this.#go()
  }

  /** How many answers were said to be complete. */
  get count(): number {
    return this.#claims.length
  }

  /** The store was taken away: what it said before is void. */
  forget(): void {
    this.#claims = []
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#asking
  }

  /** Holds what was said against the times of all lines in the end, and those of the missing ones; '' when it was true. */
  problem(stored: readonly bigint[], missed: readonly Missed[]): string {
    const times = BigInt64Array.from(stored).sort()
    for (const { since, until, records } of this.#claims) {
      const [from, to] = [BigInt(since) * NS_PER_MS, BigInt(until) * NS_PER_MS]
      const now = countBefore(times, to) - countBefore(times, from)
      const lost = missed.filter(({ at, tolerance }) => at - tolerance >= from && at + tolerance < to).length
      if (now === records && lost === 0) continue
      const range = [since, until].map((time) => new Date(time).toISOString()).join(' to ')
      return `complete was said of ${records} lines from ${range}: there are ${now}, and ${lost} are missing`
    }
    return ''
  }

  async #go(): Promise<void> {
    const { signal } = this.#stop
    for (let last = this.began; ; ) {
      await delay(EVERY_MS, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      const until = Date.now() - this.#behindMs
      if (until <= last) continue
      // With a gap all is never complete again, but what comes later is.
      for (const since of new Set([this.began, last])) await this.#note(since, until)
      last = until
    }
  }

  async #note(since: number, until: number): Promise<void> {
    const claims = this.#claims
    const answer = await this.#ask(since, until)
    if (answer?.completeness.verdict === 'complete') claims.push({ since, until, records: answer.records })
  }
}

/** How many of the times, in order, are before a time. */
function countBefore(times: BigInt64Array, time: bigint): number {
  let [low, high] = [0, times.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((times[middle] ?? 0n) < time) low = middle + 1
    else high = middle
  }
  return low
}
