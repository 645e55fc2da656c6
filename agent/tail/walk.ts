import { setTimeout as sleep } from 'node:timers/promises'
import { SwarmlogsError } from '../../shared/errors.ts'
import { attach } from './attach.ts'
import { type CaughtUp, catchUp, mend, readOn, SHORTEST_WINDOW } from './catch-up.ts'
import { firstSight } from './first.ts'
import { takenUpTo } from './gaps.ts'
import { hasSkipped, lookPast } from './hole.ts'
import { Pace } from './pace.ts'
import { bytesOf, type Piece, type TailContext } from './piece.ts'
import type { Position } from './place.ts'

/** How often a log is read that grows too fast to be followed. */
const POLL_MS = 50

/** So often an error amid a log is met without progress before it is taken for damage. */
const TRIES = 3

/** The position of one live tail, and the ways to move it on. */
export class Walk {
  readonly #context: TailContext
  readonly #pace: Pace
  #position: Position | undefined
  #tail: CaughtUp['tail'] = SHORTEST_WINDOW
  /** The last follow brought nothing, and ended though the container runs. */
  #isFruitless = false
  /** How often in a row the engine told an error amid the log, and nothing was read before. */
  #errors = 0
  #takenAtError = 0
  #isChecked = false
  /** Lines handed on so far. */
  taken = 0
  /** The engine has said that the log ends here, and was not asked again. */
  hasEnded = false

  constructor(context: TailContext, from: Position | undefined) {
    this.#context = context
    this.#pace = new Pace(context.fileBytes ?? Number.POSITIVE_INFINITY)
    this.#position = from
  }

  /** Moves behind a piece before it is handed on: an error later must not move the walk back. */
  note({ lines, progress }: Piece): void {
    this.taken += lines.length
    this.#pace.note(lines.length, bytesOf(lines))
    this.#position = progress.live ?? this.#position
  }

  /** The engine failed since it said that the log ends here: the container may have run again. */
  doubt(): void {
    this.hasEnded = false
  }

  /** Reading failed. */
  failed(error: unknown): void {
    const isOfLog = error instanceof SwarmlogsError && error.code === 'SWARMLOGS_PROTOCOL'
    this.#errors = isOfLog && this.#takenAtError === this.taken ? this.#errors + 1 : 0
    this.#takenAtError = this.taken
  }

  /** The log may go on behind what can be read of it. */
  get #isSuspect(): boolean {
    return this.#isFruitless || this.#errors >= TRIES
  }

  /** Of what time lines are that were not read, should there be any. */
  get readUpTo(): bigint {
    const { born } = this.#context
    return this.#position ? takenUpTo(this.#position, born) : born
  }

  /** Reads finite windows of a dead container's log until one shows nothing new, and behind what is damaged. */
  async *drain(): AsyncGenerator<Piece, void> {
    if (this.#isSuspect) yield* this.#mend(true)
    for (let before = -1; before !== this.taken; ) {
      before = this.taken
      yield* this.#catchUp(true)
      if (before === this.taken) yield* this.#mend(true)
    }
  }

  /** Catches up, then follows until that ends. */
  async *follow(): AsyncGenerator<Piece, void> {
    if (this.#isSuspect) yield* this.#mend(false)
    this.hasEnded = false
    const before = this.taken
    // A log that was empty can be followed from its first line at once.
    const isEmpty = this.#position?.prints.length === 0
    const position = isEmpty && this.#position ? this.#position : yield* this.#keepUp()
    const tail = position.prints.length === 0 ? 'all' : this.#tail
    const ending = yield* attach(this.#context, position, tail, { pace: this.#pace, isChecked: this.#isChecked })
    this.hasEnded = ending.kind === 'ended'
    this.#isFruitless = ending.kind === 'silent' || (this.hasEnded && before === this.taken)
    if (ending.kind === 'missed') this.#tail = this.#tail === 'all' ? 'all' : this.#tail * 4
    else this.#tail = SHORTEST_WINDOW
    if (this.taken > before) this.#isChecked = true
    if (ending.kind === 'skipped') yield* this.#readPast(ending.sure, false)
    else if ('sure' in ending) this.#goBack(ending.sure)
  }

  /** Has lines read again that a follow may have passed over. Of a log of one file, nothing that is older can be read again. */
  #goBack(sure: Position): void {
    if (this.#context.files > 1) this.#position = sure
  }

  /**
   * Catches up, window after window while the log grows fast: each must show the position that the one before it reached, so that
   * a file that was rotated away is noticed, which is not so when the log is followed.
   */
  async *#keepUp(): AsyncGenerator<Piece, Position> {
    const { signal } = this.#context
    for (;;) {
      const before = this.taken
      const position = yield* this.#catchUp(false)
      if (position.prints.length === 0 || !this.#pace.isFast()) return position
      this.#tail = Math.max(SHORTEST_WINDOW, 2 * (this.taken - before))
      await sleep(POLL_MS, undefined, { signal })
    }
  }

  /** Reads on behind bytes that cannot be read, if the log has any behind the position. */
  async *#mend(dead: boolean): AsyncGenerator<Piece, void> {
    if (!this.#position) return
    const mended = yield* mend(this.#context, this.#position, dead)
    if (mended) this.#position = mended.position
    if (mended) this.#tail = mended.tail
    if (mended) this.#errors = 0
  }

  /** Damage comes with a power cut or a full disk: what was written while nobody read is looked at once. */
  async *#checkFirst(from: Position, { shown }: CaughtUp, dead: boolean): AsyncGenerator<Piece, void> {
    if (this.#isChecked || !shown) return
    this.#isChecked = true
    if (await hasSkipped(this.#context, from, shown)) yield* this.#readPast(from, dead)
  }

  /** The log is known to be damaged behind a position. */
  async *#readPast(from: Position, dead: boolean): AsyncGenerator<Piece, void> {
    const mended = yield* readOn(this.#context, from, dead, await lookPast(this.#context, from))
    this.#position = mended?.position ?? this.#position
    this.#tail = mended?.tail ?? this.#tail
  }

  async *#catchUp(dead: boolean): AsyncGenerator<Piece, Position> {
    const context = this.#context
    if (this.#position) {
      const from = this.#position
      const reached = yield* catchUp(context, this.#position, {
        dead,
        tail: this.#tail,
        hasTried: this.#isSuspect,
      })
      this.#position = reached.position
      this.#tail = reached.tail
      yield* this.#checkFirst(from, reached, dead)
    } else {
      this.#position = yield* firstSight(context, dead)
    }
    context.onCaughtUp()
    return this.#position
  }
}
