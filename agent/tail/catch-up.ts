import type { Piece, TailContext } from './piece.ts'
import { BEGINNING, type Position } from './place.ts'
import { LogReader } from './reader.ts'
import { Seam } from './seam.ts'

/** Frames of the first window that is searched for the position; longer ones follow. */
export const SHORTEST_WINDOW = 100
const GROWTH = 4
/** Longer windows are as good as all of the log. */
const LONGEST_WINDOW = 100_000_000

/** Where a catch-up has come to, and how long a window it took to find the position. */
export interface CaughtUp {
  readonly position: Position
  readonly tail: number | 'all'
}

/** One try: `next` is set when it did not find the position, and says where to look instead. */
interface Try {
  readonly position: Position
  readonly next?: Search
}

interface Search {
  readonly tail: number | 'all'
  /** What is looked for: the position's prints, or the last of them when the others were rotated away. */
  readonly prints: readonly number[]
  readonly headMissing: boolean
}

/**
 * Reads all that a log holds behind a position, by windows that grow until the position is in them: `since` would scan every
 * file of the log, and would miss lines with a time before that of the position. When the position is not in the log any
 * more, all of the log is read: what was read before is known again by its identity.
 */
export async function* catchUp(
  context: TailContext,
  from: Position,
  dead: boolean,
  tail: number | 'all' = SHORTEST_WINDOW,
): AsyncGenerator<Piece, CaughtUp> {
  const isEmpty = from.prints.length === 0
  let search = again(from, isEmpty ? 'all' : tail)
  for (let reached = from; ; ) {
    const { position, next } = yield* readWindow(context, reached, dead, search)
    if (!next) return { position, tail: search.tail }
    reached = position
    search = next
  }
}

async function* readWindow(
  context: TailContext,
  from: Position,
  dead: boolean,
  search: Search,
): AsyncGenerator<Piece, Try> {
  const { engine, id, tty, signal } = context
  const { tail, prints, headMissing } = search
  const release = await context.windows.acquire(signal)
  try {
    const reader = new LogReader(engine, { id, tty, tail, follow: false, dead }, signal)
    const seam = new Seam(headMissing ? BEGINNING : from, { prints, headMissing })
    for await (const lines of reader.batches()) {
      const fresh = seam.pass(lines, reader)
      if (fresh.length > 0) yield { lines: fresh, progress: { live: seam.position } }
    }
    const { position } = seam
    // Only the end of the response tells whether there is more of the log to ask for.
    if (seam.isTorn) return { position, next: again(position, reader.isWhole ? 'all' : longer(tail)) }
    if (seam.found) return { position }
    if (!reader.isWhole) return { position, next: { ...search, tail: longer(tail) } }
    const left = seam.leftAtHead
    if (left === 0) context.onLost()
    return { position, next: afterRotation(prints, left) }
  } finally {
    release()
  }
}

function again({ prints }: Position, tail: number | 'all'): Search {
  return { tail, prints, headMissing: false }
}

function longer(tail: number | 'all'): number | 'all' {
  return tail === 'all' || tail > LONGEST_WINDOW ? 'all' : tail * GROWTH
}

/** The whole log does not hold all the prints: look for those that it began with, else take all of it. */
function afterRotation(prints: readonly number[], left: number): Search {
  if (left > 0) return { tail: 'all', prints: prints.slice(-left), headMissing: false }
  return { tail: 'all', prints: [], headMissing: true }
}
