import { nanosNow } from './gaps.ts'
import { lostBefore } from './head.ts'
import { hasSkipped } from './hole.ts'
import { mostFileBytesOf, type Pace } from './pace.ts'
import type { Piece, TailContext } from './piece.ts'
import type { Position } from './place.ts'
import { LogReader } from './reader.ts'
import { Replays } from './replays.ts'
import { Seam } from './seam.ts'
import { Watch } from './watch.ts'

/**
 * How following a log ended: its response ended; it did not show the position; its lines cannot be trusted any more,
 * because the log is rotated and something was odd; it shows nothing though the log has more; it passed over damage; the log grows too fast to be followed. `sure`: from where on lines may be missing.
 */
export type Ending =
  | { readonly kind: 'ended' | 'missed' | 'unsure' | 'silent' }
  | { readonly kind: 'unsure' | 'fast' | 'skipped'; readonly sure: Position }

/** A follow that has not met its position by then has missed it. */
const SEAM_TIMEOUT_MS = 3_000
/** When nobody has read for so long, the engine may have passed over whole files: it tells nobody. */
const STALL_MS = 1_000

/** Follows a log from a position, which must be in its last `tail` frames. */
export async function* attach(
  context: TailContext,
  position: Position,
  tail: number | 'all',
  { pace, isChecked }: { readonly pace: Pace; readonly isChecked: boolean },
): AsyncGenerator<Piece, Ending> {
  const { engine, id, framing, signal, fileBytes = 0 } = context
  const missed = new AbortController()
  const doubted = new AbortController()
  const both = AbortSignal.any([signal, missed.signal, doubted.signal])
  const reader = new LogReader(engine, { id, framing, tail, follow: true, dead: false }, both)
  const isRotated = fileBytes > 0
  const seam = new Seam(position, { replays: isRotated ? new Replays() : undefined })
  const watch = new Watch(context, position, (doubt) => doubted.abort(doubt))
  let unchecked = !isChecked
  const began = nanosNow()
  const isFromBeginning = position.prints.length === 0
  let isFirst = true
  let shownBytes = 0
  const timer = seam.found ? undefined : setTimeout(() => missed.abort(), SEAM_TIMEOUT_MS)
  if (seam.found) context.onFollowing(reader)
  try {
    for await (const lines of reader.batches()) {
      watch.note()
      const fresh = seam.pass(lines, reader)
      if (seam.found) clearTimeout(timer)
      if (seam.found) context.onFollowing(reader)
      if (seam.isTorn || (!seam.found && !reader.isWhole)) return { kind: 'missed' }
      const since = performance.now()
      const [first] = fresh
      if (first) {
        const isHead = isFromBeginning && isFirst
        isFirst = false
        // Until it is handed on, nobody may take the tail for idle.
        if (isHead) context.onFollowing()
        const gaps = isHead ? await lostBefore(context, { first, began }) : []
        if (isFromBeginning && shownBytes < fileBytes) shownBytes += mostFileBytesOf(fresh)
        yield { lines: fresh, gaps, progress: { live: seam.position } }
        if (isHead) context.onFollowing(reader)
      }
      if (unchecked && first) {
        unchecked = false
        const shown = { frames: reader.frames - seam.foundAt, first }
        if (seam.foundAt >= 0 && (await hasSkipped(context, position, shown)))
          return { kind: 'skipped', sure: position }
      }
      watch.reached(seam.position)
      if (seam.isRepeating || (isRotated && performance.now() - since > STALL_MS)) return { kind: 'unsure' }
      if (isRotated && pace.isFast()) {
        // The engine shows a file to its end before it passes over others: within the first one nothing is doubtful.
        const isInFirstFile = isFromBeginning && !context.hasAttributes && shownBytes < fileBytes
        return { kind: 'fast', sure: isInFirstFile ? seam.position : watch.sure }
      }
    }
    return { kind: 'ended' }
  } catch (error) {
    if (missed.signal.aborted) return { kind: 'missed' }
    if (doubted.signal.reason === 'silent') return { kind: 'silent' }
    if (doubted.signal.aborted) return { kind: 'unsure', sure: watch.sure }
    throw error
  } finally {
    context.onFollowing()
    watch.end()
    clearTimeout(timer)
  }
}
