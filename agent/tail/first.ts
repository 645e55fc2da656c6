import type { Line } from '../lines.ts'
import { Cut } from './cut.ts'
import { horizonGap } from './gaps.ts'
import { lostBefore } from './head.ts'
import { headOf, isBefore, type Piece, type TailContext, within } from './piece.ts'
import { BEGINNING, Place, type Position } from './place.ts'
import { LogReader } from './reader.ts'

/** Frames of the first window: the lines that are there at once. */
const FIRST_WINDOW = 1000
/** A first window is made no longer than this to get the head of a line. */
const LONGEST_FIRST_WINDOW = 64_000
/** Frames of the first window of history. */
const FIRST_HISTORY = 10_000

/** Reads the end of a log that has not been seen before; what lies before it is left to the history reader. Returns the position behind it. */
export async function* firstSight(context: TailContext, dead: boolean): AsyncGenerator<Piece, Position> {
  for (let tail = FIRST_WINDOW; ; tail *= 4) {
    const sight = yield* firstWindow(context, dead, tail)
    if (!sight) continue
    const gaps = sight.head && context.isOwed() ? await lostBefore(context, sight.head) : []
    if (gaps.length > 0) yield { lines: [], gaps, progress: {} }
    return sight.position
  }
}

/** What a first window has come to; `head`: the first line of the log, if nothing is left to the history reader. */
interface Sight {
  readonly position: Position
  readonly head?: Line | undefined
}

/** Reads one first window; returns undefined when it must be longer. */
async function* firstWindow(
  context: TailContext,
  dead: boolean,
  tail: number,
): AsyncGenerator<Piece, Sight | undefined> {
  const { engine, id, framing, horizon, signal } = context
  const release = await context.windows.acquire(signal)
  try {
    const reader = new LogReader(engine, { id, framing, tail, follow: false, dead }, signal)
    const place = new Place(BEGINNING, context.fileBytes !== undefined)
    const cut = new Cut()
    let behind = 0
    let head: Line | undefined
    for await (const lines of reader.batches()) {
      head ??= lines[0]
      place.take(lines)
      const sure = cut.pass(lines)
      if (cut.isTorn && tail < LONGEST_FIRST_WINDOW) return undefined
      behind += sure.length
      // Should the agent die before it knows that the window is the whole log, the history reader gets what is held.
      const wanted = { stop: cut.prints, until: cut.time, behind, size: FIRST_HISTORY, horizon }
      if (sure.length > 0)
        yield { lines: within(sure, horizon), progress: { live: place.position(reader.open), history: wanted } }
    }
    if (!reader.isWhole && !cut.isPlaced && tail < LONGEST_FIRST_WINDOW) return undefined
    const isAll = reader.isWhole || !cut.isPlaced
    if (isAll) {
      const progress = { live: place.position(reader.open), history: null, head: head && headOf(head) }
      const gaps = head && isBefore(head, horizon) ? [horizonGap(context.born, horizon)] : undefined
      yield { lines: within(cut.held, horizon), gaps, progress }
    }
    return { position: place.position(reader.open), head: isAll ? head : undefined }
  } finally {
    release()
  }
}
