import type { GapBounds } from '../../shared/gap.ts'
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
    const { position, rest, head: first } = sight
    if (rest && first && context.isOwed()) rest.gaps = [...rest.gaps, ...(await lostBefore(context, { first }))]
    if (rest) yield rest
    return position
  }
}

/** What a first window has come to. When nothing is left to the history reader, `rest` is still to be handed on; the log begins with `head` then, unless that is too old. */
interface Sight {
  readonly position: Position
  readonly rest?: (Piece & { gaps: readonly GapBounds[] }) | undefined
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
    const position = place.position(reader.open)
    if (!reader.isWhole && cut.isPlaced) return { position }
    const progress = { live: position, history: null, head: head && headOf(head) }
    const isOlder = head !== undefined && isBefore(head, horizon)
    const gaps = isOlder ? [horizonGap(context.born, horizon)] : []
    return { position, rest: { lines: within(cut.held, horizon), gaps, progress }, head: isOlder ? undefined : head }
  } finally {
    release()
  }
}
