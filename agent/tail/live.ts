import { setTimeout as sleep } from 'node:timers/promises'
import { SwarmlogsError } from '../../shared/errors.ts'
import { type CaughtUp, catchUp, SHORTEST_WINDOW } from './catch-up.ts'
import { firstSight } from './first.ts'
import type { Piece, TailContext } from './piece.ts'
import type { Position } from './place.ts'
import { LogReader } from './reader.ts'
import { Seam } from './seam.ts'

/** A follow that has not met its position by then has missed it. */
const SEAM_TIMEOUT_MS = 3_000
const FIRST_DELAY_MS = 50
const LONGEST_DELAY_MS = 5_000

/** Whether a container runs, as the engine says now. */
type State = 'running' | 'dead'

/**
 * Reads a container's log from a position (none: its first sight) to the end of the container: what is there by finite
 * windows, then by following, and again whenever a follow ends. Ends when the container is dead and all of its log was
 * read, when it is removed, and when the signal aborts; throws SWARMLOGS_LOG_UNREADABLE when its log driver cannot be read.
 */
export async function* liveTail(
  context: TailContext,
  from: Position | undefined,
  state: State,
): AsyncGenerator<Piece, void> {
  const walk = new Walk(context, from)
  let now = state
  for (let failures = 0; !context.signal.aborted; ) {
    try {
      const before = walk.taken
      for await (const piece of now === 'dead' ? walk.drain() : walk.follow()) {
        walk.note(piece)
        yield piece
      }
      if (now === 'dead') return
      failures = walk.taken > before ? 0 : failures + 1
    } catch (error) {
      if (context.signal.aborted || isGone(error)) return
      if (error instanceof SwarmlogsError && error.code === 'SWARMLOGS_LOG_UNREADABLE') throw error
      failures += 1
      context.log.debug({ err: error, container: context.id }, 'cannot read on in a log, trying again')
    }
    const next = await nextState(context, failures)
    if (next === 'gone') return
    now = next
  }
}

/** The position of one tail, and the ways to move it. */
class Walk {
  readonly #context: TailContext
  #position: Position | undefined
  #tail: CaughtUp['tail'] = SHORTEST_WINDOW
  /** Lines handed on so far. */
  taken = 0

  constructor(context: TailContext, from: Position | undefined) {
    this.#context = context
    this.#position = from
  }

  /** Moves behind a piece before it is handed on: an error later must not move the walk back. */
  note(piece: Piece): void {
    this.taken += piece.lines.length
    this.#position = piece.progress.live ?? this.#position
  }

  /** Reads finite windows of a dead container's log until one shows nothing new. */
  async *drain(): AsyncGenerator<Piece, void> {
    for (let before = -1; before !== this.taken; ) {
      before = this.taken
      yield* this.#catchUp(true)
    }
  }

  /** Catches up, then follows until the response ends. */
  async *follow(): AsyncGenerator<Piece, void> {
    const position = this.#position
    // A log that was empty can be followed from its first line at once.
    const reached = position?.prints.length === 0 ? position : yield* this.#catchUp(false)
    const isMissed = yield* this.#attach(reached)
    if (!isMissed) this.#tail = SHORTEST_WINDOW
    else if (this.#tail !== 'all') this.#tail *= 4
  }

  async *#catchUp(dead: boolean): AsyncGenerator<Piece, Position> {
    const context = this.#context
    if (this.#position) {
      const reached = yield* catchUp(context, this.#position, dead, this.#tail)
      this.#position = reached.position
      this.#tail = reached.tail
    } else {
      this.#position = yield* firstSight(context, dead)
    }
    context.onCaughtUp()
    return this.#position
  }

  /** Follows from the position; returns whether the response did not show it. */
  async *#attach(position: Position): AsyncGenerator<Piece, boolean> {
    const { engine, id, tty, signal } = this.#context
    const tail = position.prints.length === 0 ? 'all' : this.#tail
    const missed = new AbortController()
    const both = AbortSignal.any([signal, missed.signal])
    const reader = new LogReader(engine, { id, tty, tail, follow: true, dead: false }, both)
    const seam = new Seam(position)
    const timer = seam.found ? undefined : setTimeout(() => missed.abort(), SEAM_TIMEOUT_MS)
    try {
      for await (const lines of reader.batches()) {
        const fresh = seam.pass(lines, reader)
        if (seam.found) clearTimeout(timer)
        if (seam.isTorn || (!seam.found && !reader.isWhole)) return true
        if (fresh.length > 0) yield { lines: fresh, progress: { live: seam.position } }
      }
      return false
    } catch (error) {
      if (missed.signal.aborted) return true
      throw error
    } finally {
      clearTimeout(timer)
    }
  }
}

/** What the engine says of the container; asked again, ever more slowly, until there is an answer. */
async function nextState({ engine, id, signal }: TailContext, failures: number): Promise<State | 'gone'> {
  for (let tries = failures; !signal.aborted; tries++) {
    try {
      if (tries > 0) await sleep(delay(tries), undefined, { signal })
      const { State } = (await engine.get(`/containers/${id}/json`, {}, signal)) as ContainerState
      return State?.Running === true && State.Restarting !== true ? 'running' : 'dead'
    } catch (error) {
      if (isGone(error)) return 'gone'
    }
  }
  return 'gone'
}

interface ContainerState {
  readonly State?: { readonly Running?: boolean; readonly Restarting?: boolean }
}

function delay(tries: number): number {
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (tries - 1)) * (0.5 + Math.random() / 2)
}

function isGone(error: unknown): boolean {
  return error instanceof SwarmlogsError && error.code === 'SWARMLOGS_NOT_FOUND'
}
