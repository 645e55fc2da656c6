import type { Piece, Progress } from './piece.ts'

/** The two sources' lines are written a little out of the order of their times; whole seconds are compared. */
const DISORDER_SECONDS = 1

/**
 * From which second on a container's lines are handed on one behind the other, none left out, in the order of their times: once its history
 * is read, and behind the newest line whenever the clock stepped back. Undefined: that is not known, or from its first line on when it had no history.
 */
export function orderedFrom(before: Progress, { lines, progress }: Piece): number | undefined {
  let from = before.orderedFrom
  let newest = newestSecond(before)
  if (progress.live) {
    for (const { seconds } of lines) {
      if (seconds < newest - DISORDER_SECONDS) from = Math.max(from ?? 0, newest + 1)
      if (seconds > newest) newest = seconds
    }
  }
  const hasReadHistory = progress.history === null && before.history !== null
  return hasReadHistory ? Math.max(from ?? 0, newestSecond(progress.live ? progress : before) + 1) : from
}

/** From which second on that is so of what was handed on until now; undefined: of nothing. */
export function isOrderedFrom({ history, orderedFrom: from }: Progress): number | undefined {
  if (history === undefined) return from ?? 0
  return history === null ? from : undefined
}

function newestSecond({ live }: Progress): number {
  return Math.max(-1, ...Object.values(live?.last ?? {}).map(([seconds]) => seconds))
}
