import type { Piece, TailContext } from './piece.ts'
import { BEGINNING, type Position } from './place.ts'
import { LogReader } from './reader.ts'
import { Seam } from './seam.ts'

/** Frames of the first window that is searched for the position; longer ones follow. */
export const SHORTEST_WINDOW = 100
const GROWTH = 4

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
  let search: Search = { tail: isEmpty ? 'all' : tail, prints: from.prints, headMissing: false }
  for (;;) {
    const { position, next } = yield* readWindow(context, from, dead, search)
    if (!next) return { position, tail: search.tail }
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
    const seam = new Seam(headMissing ? BEGINNING : from, prints, headMissing)
    for await (const lines of reader.batches()) {
      const fresh = seam.pass(lines)
      if (seam.isTorn && tail !== 'all') return { position: from, next: longer(search) }
      if (fresh.length > 0) yield { lines: fresh, progress: { live: seam.position(reader) } }
    }
    if (seam.found) return { position: seam.position(reader) }
    if (!reader.isWhole) return { position: from, next: longer(search) }
    return { position: from, next: afterRotation(search, seam.leftAtHead) }
  } finally {
    release()
  }
}

function longer(search: Search): Search {
  return search.tail === 'all' ? search : { ...search, tail: search.tail * GROWTH }
}

/** The whole log does not hold all the prints: look for those that it began with, else take all of it. */
function afterRotation(search: Search, left: number): Search {
  if (left > 0) return { tail: 'all', prints: search.prints.slice(-left), headMissing: false }
  return { tail: 'all', prints: [], headMissing: true }
}
