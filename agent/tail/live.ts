import { setTimeout as sleep } from 'node:timers/promises'
import { SwarmlogsError } from '../../shared/errors.ts'
import { gapBetween, nanosNow } from './gaps.ts'
import type { Piece, TailContext } from './piece.ts'
import type { Position } from './place.ts'
import { Walk } from './walk.ts'

const FIRST_DELAY_MS = 50
const LONGEST_DELAY_MS = 5_000

/** Whether a container runs, as the engine says now. */
type State = 'running' | 'dead'

/** Why a tail is over: its container is dead and its log read, or it is gone, or nobody wants more. */
type End = 'read' | 'gone' | 'stopped'

/**
 * Reads a container's log from a position (none: its first sight) to the end of the container: what is there by finite
 * windows, then by following, and again whenever a follow ends. Ends when the container is dead and all of its log was
 * read, when it is removed (with a gap, unless all was read by then), both with a last piece that says so, and when the
 * signal aborts; throws SWARMLOGS_LOG_UNREADABLE when its log driver cannot be read.
 */
export async function* liveTail(
  context: TailContext,
  from: Position | undefined,
  state: State,
): AsyncGenerator<Piece, void> {
  const walk = new Walk(context, from)
  const end = yield* untilEnd(context, walk, state)
  if (end === 'stopped') return
  const isCutOff = end === 'gone' && !walk.hasEnded
  const gaps = isCutOff ? [gapBetween(walk.readUpTo, nanosNow(), 'removed')] : []
  yield { lines: [], gaps, progress: { ended: true } }
}

async function* untilEnd(context: TailContext, walk: Walk, state: State): AsyncGenerator<Piece, End> {
  let now = state
  for (let failures = 0; !context.signal.aborted; ) {
    try {
      const before = walk.taken
      for await (const piece of now === 'dead' ? walk.drain() : walk.follow()) {
        walk.note(piece)
        yield piece
      }
      if (now === 'dead') return context.signal.aborted ? 'stopped' : 'read'
      failures = walk.taken > before ? 0 : failures + 1
    } catch (error) {
      if (context.signal.aborted) return 'stopped'
      if (isGone(error)) return 'gone'
      if (error instanceof SwarmlogsError && error.code === 'SWARMLOGS_LOG_UNREADABLE') throw error
      failures += 1
      walk.failed(error)
      context.log.debug({ err: error, container: context.id }, 'cannot read on in a log, trying again')
    }
    const next = await nextState(context, failures, () => walk.doubt())
    if (next === 'gone') return context.signal.aborted ? 'stopped' : 'gone'
    now = next
  }
  return 'stopped'
}

/** What the engine says of the container; asked again, ever more slowly, until there is an answer. */
async function nextState(
  { engine, id, signal }: TailContext,
  failures: number,
  onFailure: () => void,
): Promise<State | 'gone'> {
  for (let tries = failures; !signal.aborted; tries++) {
    try {
      if (tries > 0) await sleep(delay(tries), undefined, { signal })
      const { State } = (await engine.get(`/containers/${id}/json`, {}, signal)) as ContainerState
      return State?.Running === true && State.Restarting !== true ? 'running' : 'dead'
    } catch (error) {
      if (isGone(error)) return 'gone'
      onFailure()
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
