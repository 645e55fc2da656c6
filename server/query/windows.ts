import { greater, smaller } from '../store/bigint.ts'
import type { StreamSummary } from '../store/store.ts'
import type { Scope } from './query.ts'

const WINDOWS = 16n

/**
 * Cuts a scope by time, the newest first, so that a part of it is a piece of history without holes. Each has the start that all from it on
 * have been counted since. One that is counted without looking at its lines stays whole.
 */
export function windowsOf(scope: Scope, matched: readonly StreamSummary[], looksAtLines: boolean): Scope[] {
  const [first] = matched
  if (!looksAtLines || first === undefined) return [scope]
  const oldest = matched.reduce((time, summary) => smaller(time, summary.first), first.first)
  const newest = matched.reduce((time, summary) => greater(time, summary.last), first.last)
  const from = greater(scope.since ?? oldest, oldest)
  const to = smaller(scope.until ?? newest, newest)
  const length = (to - from) / WINDOWS
  if (length <= 0n) return [scope]
  const cuts = Array.from({ length: Number(WINDOWS) - 1 }, (_, index) => to - length * BigInt(index + 1))
  // The outer ends stay as they were asked for: lines may have come since.
  return [...cuts, undefined].map((since, index) => {
    const until = index === 0 ? scope.until : cuts[index - 1]
    const { since: _since, until: _until, ...rest } = scope
    const start = since ?? scope.since
    return { ...rest, ...(start !== undefined && { since: start }), ...(until !== undefined && { until }) }
  })
}
