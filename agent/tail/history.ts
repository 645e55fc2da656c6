import { setTimeout as sleep } from 'node:timers/promises'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { GapBounds, GapReason } from '../../shared/gap.ts'
import { Matcher } from './fingerprint.ts'
import { gapBetween, horizonGap, nanosNow, nanosOf, nanosOfLine, oldestWanted, takenUpTo, timeOf } from './gaps.ts'
import { lostBefore } from './head.ts'
import { longestSound, lookFor } from './hole.ts'
import { type HistoryProgress, headOf, isBefore, type Piece, type TailContext, within } from './piece.ts'
import { BEGINNING, type Position } from './place.ts'
import { LogReader } from './reader.ts'
import { Seam } from './seam.ts'
import { longer, Window } from './window.ts'

const RETRY_MS = 2_000

/**
 * Reads what lies before a container's first window, newest first, by windows of which each ends where the one before it
 * began, back to the horizon. Memory does not depend on the length of the log.
 */
export async function* historyTail(context: TailContext, from: HistoryProgress): AsyncGenerator<Piece, void> {
  let progress: HistoryProgress | null = from
  let seen = context.liveLines()
  while (progress) {
    const lines = context.liveLines()
    const wanted: HistoryProgress = { ...progress, behind: progress.behind + lines - seen }
    progress = wanted
    seen = lines
    try {
      for await (const piece of readWindow(context, wanted)) {
        if (piece.progress.history !== undefined) progress = piece.progress.history
        yield piece
      }
    } catch (error) {
      if (context.signal.aborted || codeOf(error) === 'SWARMLOGS_LOG_UNREADABLE') return
      if (codeOf(error) === 'SWARMLOGS_NOT_FOUND') {
        yield { lines: [], gaps: [unreadGap(context, progress ?? wanted, 'removed')], progress: { history: null } }
        return
      }
      context.log.debug({ err: error, container: context.id }, 'cannot read on in history, trying again')
      await sleep(RETRY_MS, undefined, { signal: context.signal }).catch(() => undefined)
    }
  }
}

/** Reads one window; its last piece says what is to be read next. `isThere`: the log is known to hold the lines that it is to end at. */
async function* readWindow(
  context: TailContext,
  progress: HistoryProgress,
  isThere = context.fileBytes === undefined,
): AsyncGenerator<Piece, void> {
  const { engine, id, framing, signal, fileBytes } = context
  const tail = Math.ceil(progress.behind * 1.1) + progress.size
  const release = await context.windows.acquire(signal)
  const reader = new LogReader(engine, { id, framing, tail, follow: false, dead: false }, signal)
  const window = new Window(progress, fileBytes !== undefined)
  let isDoubtful = false
  try {
    for await (const lines of reader.batches()) {
      isDoubtful = !isThere && !window.first && window.seemsBehind(lines)
      if (isDoubtful) break
      const fresh = within(window.pass(lines), progress.horizon)
      if (fresh.length > 0) yield { lines: fresh, progress: { history: window.progress(reader) } }
      if (window.isOver) break
    }
  } finally {
    release()
  }
  if (isDoubtful) return yield* readDoubtful(context, progress)
  const end = window.endedBefore(reader)
  if (!end && reader.broken && !window.isOver) throw reader.broken
  if (end) yield* readBehind(context, progress, end)
  else yield await lastPiece(context, progress, window, reader)
}

/** A window seems to begin behind the lines that it is to end at. */
async function* readDoubtful(context: TailContext, progress: HistoryProgress): AsyncGenerator<Piece, void> {
  const { isJoined, first } = await lookFor(context, progress.stop)
  if (isJoined) return yield* readWindow(context, longer(progress), true)
  const gaps = [unreadGap(context, progress, 'rotated')]
  yield { lines: [], gaps, progress: { history: null, head: first && headOf(first) } }
}

async function lastPiece(
  context: TailContext,
  progress: HistoryProgress,
  window: Window,
  reader: LogReader,
): Promise<Piece> {
  const next = window.next(reader)
  const { first } = window
  const lines = within(window.rest(reader), progress.horizon)
  if (next !== null || !first) return { lines, progress: { history: next } }
  const isOlder = window.isBeyondHorizon || isBefore(first, progress.horizon)
  const isRead = !isOlder && window.isOver
  const gaps = [
    ...(isOlder ? [horizonGap(context.born, progress.horizon)] : []),
    ...(isRead && context.isOwed() ? await lostBefore(context, { first }) : []),
    // All of the log is younger than what was to be read.
    ...(window.isOver ? [] : [unreadGap(context, progress, 'rotated')]),
  ]
  return { lines, gaps, progress: { history: null, head: isOlder ? undefined : headOf(first) } }
}

/** None of the lines that are left to the history reader can be read any more. */
function unreadGap({ born }: TailContext, { horizon, until }: HistoryProgress, reason: GapReason): GapBounds {
  return gapBetween(oldestWanted(born, horizon), until ? nanosOf(until) : nanosNow(), reason)
}

/** A window ended amid the log, before bytes that cannot be read: reads what lies behind these, and leaves what lies before to the next window. */
async function* readBehind(
  context: TailContext,
  progress: HistoryProgress,
  end: Position,
): AsyncGenerator<Piece, void> {
  const { engine, id, framing, signal, born } = context
  const tail = await longestSound(context)
  const release = await context.windows.acquire(signal)
  const until = takenUpTo(end, born)
  let to = progress.until ? nanosOf(progress.until) : nanosNow()
  try {
    const reader = new LogReader(engine, { id, framing, tail, follow: false, dead: false }, signal)
    const seam = new Seam(BEGINNING, { headMissing: true })
    const stop = new Matcher(progress.stop)
    let isFirst = true
    for await (const lines of reader.batches()) {
      const at = stop.search(lines)
      const fresh = seam.pass(at === -1 ? lines : lines.slice(0, at), reader)
      const [first] = fresh
      if (isFirst && first) to = nanosOfLine(first)
      isFirst &&= !first
      if (fresh.length > 0) yield { lines: within(fresh, progress.horizon), progress: {} }
      if (stop.found) break
    }
  } finally {
    release()
  }
  const { window: _, first: __, ...before } = progress
  const history = { ...before, stop: end.prints, until: timeOf(until), behind: Math.max(before.behind, tail) }
  yield { lines: [], gaps: [gapBetween(until, to, 'damaged', 1)], progress: { history } }
}

function codeOf(error: unknown): string {
  return error instanceof SwarmlogsError ? error.code : ''
}
