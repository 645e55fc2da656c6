import { onLate } from './heartbeat.ts'
import { isNewest } from './hole.ts'
import type { TailContext } from './piece.ts'
import type { Position } from './place.ts'

/** Positions are remembered from so long ago: a burst that hides files is noticed within this. */
const SNAPSHOT_MS = 1_000
/** How soon a follow that shows nothing is checked against the log; each time that all is well, so much later. */
const FIRST_CHECK_MS = 2_000
const CHECK_GROWTH = 4
const LAST_CHECK_MS = 600_000
/** A line that is in the log must be shown within this. */
const SHOW_MS = 1_000

/** What is wrong with a follow: the process was stopped, or the log has lines that are not shown. */
export type Doubt = 'late' | 'silent'

/**
 * Watches a follow: of a rotated log the engine passes over files that came and went while it was held up, and at damage some engines stop
 * showing anything, without a word to the client. Rule of cost: a silent log is asked for its last line after 2 s, then ever more
 * rarely, down to every 10 minutes.
 */
export class Watch {
  readonly #context: TailContext
  readonly #onDoubt: (doubt: Doubt) => void
  readonly #unlisten: () => void
  #timer: NodeJS.Timeout | undefined
  #checkMs = FIRST_CHECK_MS
  #snapshotMs = performance.now()
  #older: Position
  #newer: Position
  #now: Position
  #reachedMs = performance.now()
  #isOver = false

  constructor(context: TailContext, position: Position, onDoubt: (doubt: Doubt) => void) {
    this.#context = context
    this.#onDoubt = onDoubt
    this.#older = position
    this.#newer = position
    this.#now = position
    this.#unlisten = context.fileBytes === undefined ? () => {} : onLate(() => onDoubt('late'))
    this.#wait()
  }

  /** A position that was reached at least a second before something was found to be wrong: what follows it is to be read again. */
  get sure(): Position {
    return this.#isSettled ? this.#now : this.#older
  }

  /** The last line came so long ago that nothing was wrong then. */
  get #isSettled(): boolean {
    return performance.now() - this.#reachedMs >= SNAPSHOT_MS
  }

  /** A batch is about to be taken. */
  note(): void {
    const nowMs = performance.now()
    if (nowMs - this.#snapshotMs < SNAPSHOT_MS) return
    this.#snapshotMs = nowMs
    this.#older = this.#isSettled ? this.#now : this.#newer
    this.#newer = this.#now
  }

  /** A batch was taken. */
  reached(position: Position): void {
    this.#now = position
    this.#reachedMs = performance.now()
    if (this.#older.prints.length > 0) return
    // The log's beginning could not be told from that of what rotation left of it.
    this.#older = position
    this.#newer = position
  }

  end(): void {
    this.#isOver = true
    this.#unlisten()
    clearTimeout(this.#timer)
  }

  #wait(): void {
    const before = this.#now
    this.#timer = setTimeout(() => void this.#check(before), this.#checkMs).unref()
  }

  async #check(before: Position): Promise<void> {
    const isSilent = this.#now === before
    this.#checkMs = isSilent ? Math.min(LAST_CHECK_MS, this.#checkMs * CHECK_GROWTH) : FIRST_CHECK_MS
    // What cannot be asked for now is asked for the next time.
    const isWell = !isSilent || (await isNewest(this.#context, before).catch(() => true))
    if (this.#isOver) return
    if (isWell) this.#wait()
    else
      this.#timer = setTimeout(() => (this.#now === before ? this.#onDoubt('silent') : this.#wait()), SHOW_MS).unref()
  }
}
