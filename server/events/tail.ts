import { comparePositions, type Position, positionOf } from '../../shared/record.ts'
import type { Context } from '../context.ts'
import { type FollowEvent, follow, stoppedNote } from '../follow.ts'
import { Budget } from '../query/budget.ts'
import { looksAtLines } from '../query/filter.ts'
import type { Question } from '../query/question.ts'
import { Ahead } from './ahead.ts'
import { BEFORE } from './limits.ts'
import { linesOf } from './lines.ts'
import { streamsOf } from './pivot.ts'
import { matchingEvent } from './record.ts'
import { eventsInTurn } from './search.ts'
import { Stage, type Wants } from './stage.ts'

/**
 * Follows events as `follow` does lines: each is told when the next one of its output begins, or when it got no line for a while, in the order in
 * which their first lines came. Its cursor is the place before the first line that was not told yet, and names lines behind it that were.
 */
export async function* followEvents(
  context: Context,
  question: Question,
  signal: AbortSignal,
): AsyncGenerator<FollowEvent> {
  const { filter, since, cursor } = question
  const budget = new Budget(context.timing.queryMs, looksAtLines(filter))
  const begin = await beginOf(context, question, budget, signal)
  if (budget.stopped !== undefined) yield stoppedNote(budget.stopped)
  // What reaches into the time that is asked about began before it.
  const range = since === undefined || cursor !== undefined ? {} : { since: since - BEFORE }
  const { newest: _, ...asked } = question
  const place = { ...range, ...begin?.place, isLookedAt: looksAtLines(filter) }
  const source = follow(context, { ...asked, ...place, filter: streamsOf(filter) }, signal)
  const wants: Wants = (event, isLive) => {
    const [first] = event.lines
    if (first === undefined || (since !== undefined && first.time < since)) return undefined
    const isEarly = begin?.first !== undefined && comparePositions(positionOf(first), begin.first) < 0
    return isEarly && !isLive ? undefined : matchingEvent(filter, event)
  }
  yield* events(source, context.timing.quietMs, new Stage(wants, linesOf(context).startOf, new Ahead(cursor?.ahead)))
}

/** Where the newest N events begin; undefined when that was not asked for. */
interface Begin {
  readonly first?: Position
  readonly place: Pick<Question, 'cursor'>
}

async function beginOf(
  context: Context,
  { filter, newest, since, until, cursor }: Question,
  budget: Budget,
  signal: AbortSignal,
): Promise<Begin | undefined> {
  if (newest === undefined || cursor !== undefined) return undefined
  const receivedUpTo = context.commits.lastReceived
  const range = { ...(since !== undefined && { since }), ...(until !== undefined && { until }) }
  const query = { filter, ...range, order: 'desc' as const, limit: newest, receivedUpTo }
  let first: Position | undefined
  for await (const found of eventsInTurn(context, query, budget, signal)) {
    const last = found.at(-1)
    if (last !== undefined) first = positionOf(last)
  }
  const place = { kind: 'tail' as const, receivedUpTo, ...range }
  if (first === undefined) return { place: { cursor: place } }
  // Before all that may reach to that place.
  const position = { time: first.time - BEFORE, nodeId: '', containerId: '', source: 'stderr' as const, ordinal: 0 }
  return { first, place: { cursor: { ...place, position } } }
}

/** A timer may ring so much too early. */
const EARLY_MS = 2

async function* events(
  source: AsyncGenerator<FollowEvent>,
  quietMs: number,
  stage: Stage,
): AsyncGenerator<FollowEvent> {
  let pending: ReturnType<typeof source.next> | undefined
  try {
    for (;;) {
      pending ??= source.next()
      const start = performance.now()
      const next = await (stage.isWaiting ? within(pending, quietMs + EARLY_MS) : pending)
      stage.pass(performance.now() - start)
      if (next !== undefined) {
        pending = undefined
        if (next.done) break
        stage.add(next.value)
      }
      stage.quiet(quietMs)
      yield* stage.take()
    }
    stage.end()
    yield* stage.take()
  } finally {
    await source.return(undefined)
  }
}

/** What comes within a time; undefined when nothing does. */
async function within<T>(coming: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined)
  })
  try {
    return await Promise.race([coming, over])
  } finally {
    clearTimeout(timer)
  }
}
