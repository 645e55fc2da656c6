import type { GapBounds } from '../../shared/gap.ts'
import type { Line } from '../lines.ts'
import { gapBetween, nanosNow, nanosOfLine, rotatedGap, takenUpTo } from './gaps.ts'
import { lostBefore } from './head.ts'
import { type Behind, isNewest, lookBehind, type Shown } from './hole.ts'
import type { HistoryProgress, Piece, TailContext } from './piece.ts'
import { BEGINNING, type Position } from './place.ts'
import { LogReader } from './reader.ts'
import { Seam } from './seam.ts'

/** Frames of the first window that is searched for the position; longer ones follow. */
export const SHORTEST_WINDOW = 100
const GROWTH = 4
/** Frames of the first window of history that is read anew. */
const FIRST_HISTORY = 1_000
/** Longer windows are as good as all of the log. */
const LONGEST_WINDOW = 100_000_000

/** Where a catch-up has come to, and how long a window it took to find the position. */
export interface CaughtUp {
  readonly position: Position
  readonly tail: number | 'all'
  /** Set when lines were found behind the position. */
  readonly shown?: Shown | undefined
}

export interface CatchUpOptions {
  /** The container is. */
  readonly dead: boolean
  /** Frames of the first window. */
  readonly tail?: number | 'all'
  /** Errors that the engine tells amid the log have come again and again: look behind them. Newer engines drop lines before them, in part. */
  readonly hasTried?: boolean
}

/** One try: `next` is set when it did not find the position, and says where to look instead. */
interface Try {
  readonly position: Position
  readonly shown?: Shown | undefined
  readonly next?: Search
  /** The engine told an error before the position was found. */
  readonly broken?: Error
}

interface Search {
  readonly tail: number | 'all'
  /** What is looked for: the position's prints, or the last of them when the others were rotated away. */
  readonly prints: readonly number[]
  /** Why the position is not in the log any more: all of the window lies behind it. */
  readonly lost?: Loss | undefined
}

type Loss = 'rotated' | 'damaged'

/**
 * Reads all that a log holds behind a position, by windows that grow until the position is in them: `since` would scan every
 * file of the log, and would miss lines with a time before that of the position. When the position is not in the log any
 * more, all of the log is read (what was read before is known again by its identity), and a gap told; when the log is damaged
 * behind the position, what lies behind the damage.
 */
export async function* catchUp(
  context: TailContext,
  from: Position,
  { dead, tail = SHORTEST_WINDOW, hasTried = false }: CatchUpOptions,
): AsyncGenerator<Piece, CaughtUp> {
  const isEmpty = from.prints.length === 0
  const gaps = isEmpty ? await lostBefore(context) : []
  if (gaps.length > 0) yield { lines: [], gaps, progress: {} }
  let search = again(from, isEmpty ? 'all' : tail)
  for (let reached = from; ; ) {
    const { position, shown, broken, next } = yield* readWindow(context, reached, dead, search)
    if (broken && !hasTried) throw broken
    if (!next) return { position, tail: search.tail, shown }
    reached = position
    search = broken ? await whereLost(context, position) : next
  }
}

/** Reads on behind bytes of the log that cannot be read, if that is why nothing follows a position; undefined when it is not. */
export async function* mend(
  context: TailContext,
  from: Position,
  dead: boolean,
): AsyncGenerator<Piece, CaughtUp | undefined> {
  if (await isNewest(context, from)) return undefined
  return yield* readOn(context, from, dead, await lookBehind(context, from))
}

/** Reads what was found behind a position. */
export async function* readOn(
  context: TailContext,
  from: Position,
  dead: boolean,
  behind: Behind,
): AsyncGenerator<Piece, CaughtUp | undefined> {
  if (behind.kind === 'gone') return undefined
  if (behind.kind === 'joined') {
    const { position } = yield* readWindow(context, from, dead, joined(from, behind.tail))
    return { position, tail: behind.tail }
  }
  const { tail } = behind
  // What seemed to be all of the log at its first sight ended at the damage.
  if (context.hasAllHistory() && from.prints.length > 0)
    yield { lines: [], progress: { history: allBefore(context, from, tail) } }
  const { position } = yield* readWindow(context, from, dead, { tail, prints: [], lost: 'damaged' })
  return { position, tail }
}

async function* readWindow(
  context: TailContext,
  from: Position,
  dead: boolean,
  search: Search,
): AsyncGenerator<Piece, Try> {
  const { engine, id, framing, signal } = context
  const { tail, prints, lost } = search
  const release = await context.windows.acquire(signal)
  try {
    const reader = new LogReader(engine, { id, framing, tail, follow: false, dead }, signal)
    const seam = new Seam(lost ? BEGINNING : from, { prints, headMissing: lost !== undefined })
    let untold = lost
    let first: Line | undefined
    for await (const lines of reader.batches()) {
      const fresh = seam.pass(lines, reader)
      first ??= fresh[0]
      if (!first || fresh.length === 0) continue
      const gaps = untold && [gapOf(context, from, untold, nanosOfLine(first))]
      yield { lines: fresh, gaps, progress: { live: seam.position } }
      untold = undefined
    }
    const { position } = seam
    if (untold) yield { lines: [], gaps: [gapOf(context, from, untold, nanosNow())], progress: { live: position } }
    // Only the end of the response tells whether there is more of the log to ask for.
    const { broken } = reader
    if (broken && seam.found) throw broken
    if (seam.isTorn) return { position, next: again(position, reader.isWhole ? 'all' : longer(tail)) }
    if (seam.found) {
      const shown = first && seam.foundAt >= 0 ? { frames: reader.frames - seam.foundAt, first } : undefined
      return { position, shown }
    }
    if (broken) return { position, broken, next: search }
    if (!reader.isWhole) return { position, next: { ...search, tail: longer(tail) } }
    const left = seam.leftAtHead
    if (left > 0) return { position, next: { tail: 'all', prints: prints.slice(-left) } }
  } finally {
    release()
  }
  return { position: from, next: await whereLost(context, from) }
}

function allBefore({ horizon }: TailContext, { prints }: Position, behind: number): HistoryProgress {
  return { stop: prints, behind, size: FIRST_HISTORY, horizon }
}

/** The whole log does not show the position: it was rotated away, or bytes that cannot be read lie before it or behind it. */
async function whereLost(context: TailContext, position: Position): Promise<Search> {
  const behind = await lookBehind(context, position)
  switch (behind.kind) {
    case 'joined':
      return joined(position, behind.tail)
    case 'hole':
      return { tail: behind.tail, prints: [], lost: 'damaged' }
    case 'gone':
      return { tail: 'all', prints: [], lost: 'rotated' }
  }
}

function again({ prints }: Position, tail: number | 'all'): Search {
  return { tail, prints }
}

/** A damaged log may show no more of a position than its last line. */
function joined({ prints }: Position, tail: number | 'all'): Search {
  return { tail, prints: prints.slice(-1) }
}

function longer(tail: number | 'all'): number | 'all' {
  return tail === 'all' || tail > LONGEST_WINDOW ? 'all' : tail * GROWTH
}

function gapOf({ born }: TailContext, from: Position, lost: Loss, to: bigint): GapBounds {
  const taken = takenUpTo(from, born)
  return lost === 'rotated' ? rotatedGap(taken, to) : gapBetween(taken, to, 'damaged', 1)
}
