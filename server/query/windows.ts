import { greater, smaller } from '../store/bigint.ts'
import type { StreamSummary } from '../store/store.ts'
import type { Scope } from './query.ts'

/** So many lines are counted in one go before it is known how fast that goes. */
const FIRST_LINES = 500_000
/** And never fewer than these. */
const MIN_LINES = 25_000
/** A window takes at most this share of the time of the query, as far as is foreseen. */
const SHARE = 1 / 16

/**
 * Cuts a scope by time, the newest first, so that a part of it is a piece of history without holes. Each window has the start that all from it
 * on have been counted since. What is counted without looking at its lines, or fast, stays whole: each window costs the store a question.
 */
export class Windows {
  readonly #from: bigint
  readonly #nsPerLine: number
  readonly #windowMs: number
  readonly #isWhole: boolean
  #to: bigint
  #lines = FIRST_LINES
  #rest: Scope | undefined

  constructor(scope: Scope, matched: readonly StreamSummary[], looksAtLines: boolean, queryMs: number) {
    const { first, last, lines } = spreadOf(scope, matched)
    this.#rest = scope
    this.#windowMs = queryMs * SHARE
    this.#from = first
    this.#to = last
    this.#nsPerLine = Math.max(Number(last - first), 0) / Math.max(lines, 1)
    this.#isWhole = !looksAtLines
  }

  /** The next window; undefined when there is none. The outer ends stay as they were asked for: lines may have come since. */
  next(): Scope | undefined {
    const rest = this.#rest
    if (rest === undefined) return undefined
    const since = this.#to - BigInt(Math.ceil(this.#lines * this.#nsPerLine))
    const isLast = this.#isWhole || since <= this.#from
    this.#to = since
    this.#rest = isLast ? undefined : { ...rest, until: since }
    return isLast ? rest : { ...rest, since }
  }

  /** Tells how long the last window took. */
  learn(ms: number): void {
    this.#lines = Math.max((this.#lines * this.#windowMs) / Math.max(ms, 1), MIN_LINES)
  }
}

interface Spread {
  readonly first: bigint
  readonly last: bigint
  readonly lines: number
}

/** The times between which a scope may have lines, and how many, as if those of each stream were spread evenly. */
function spreadOf({ since, until }: Scope, matched: readonly StreamSummary[]): Spread {
  const oldest = matched.reduce((time, one) => smaller(time, one.first), matched[0]?.first ?? 0n)
  const newest = matched.reduce((time, one) => greater(time, one.last), oldest)
  const [first, last] = [greater(since ?? oldest, oldest), smaller(until ?? newest, newest)]
  const within = (one: StreamSummary): number => {
    const overlap = Number(smaller(last, one.last) - greater(first, one.first)) + 1
    return (one.records * Math.max(overlap, 0)) / (Number(one.last - one.first) + 1)
  }
  return { first, last, lines: matched.reduce((sum, one) => sum + within(one), 0) }
}
