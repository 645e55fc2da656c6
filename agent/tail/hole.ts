import { setTimeout as sleep } from 'node:timers/promises'
import type { Line } from '../lines.ts'
import { Matcher } from './fingerprint.ts'
import { mostFileBytesOf } from './pace.ts'
import type { TailContext } from './piece.ts'
import { BEGINNING, type Position } from './place.ts'
import { LogReader } from './reader.ts'

/** The first window that is looked at: it mostly shows that nothing is wrong. */
const FIRST_WINDOW = 32
const GROWTH = 4
const GROWING_TRIES = 8
const ROTATING_TRIES = 3
const GROWING_MS = 100

/**
 * What lies behind a position: `joined`, a window of `tail` frames shows it and all behind it; `gone`, the log is sound and does not hold it
 * (or is empty); `hole`, the log cannot be read right behind it, and the last `tail` frames are all that can be read behind that.
 */
export type Behind =
  | { readonly kind: 'joined'; readonly tail: number | 'all' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'hole'; readonly tail: number }

/** What a window showed. */
export interface Look {
  /** It showed as many frames as were asked for: there is no hole in it. */
  readonly isSound: boolean
  /** It showed the last line before a position, if that has one. */
  readonly isJoined: boolean
  readonly frames: number
  /** The most that its lines take in the engine's files, without attributes. */
  readonly bytes: number
  /** It showed the line that was looked for. */
  readonly hasLine: boolean
  readonly first: Line | undefined
  readonly last: Mark | undefined
}

/** A line by what is the same on all of its parts: the first one of a window may lack its head. */
export type Mark = Pick<Line, 'source' | 'seconds' | 'nanos'>

/**
 * Looks for a hole in a log: bytes that a power cut or a full disk left, at which the engine ends its answer as if the log did. A window of
 * `tail=N` that begins behind the hole is answered in full, so the longest such window shows all that can be read.
 */
export async function lookBehind(context: TailContext, position: Position): Promise<Behind> {
  const { last } = await look(context, position, 1)
  if (last === undefined) return { kind: 'gone' }
  const end = await look(context, position, FIRST_WINDOW)
  if (end.isSound && end.isJoined) return { kind: 'joined', tail: FIRST_WINDOW }
  const { newest, whole } = await lookAtAll(context, position, last)
  if (whole.hasLine && whole.isJoined) return { kind: 'joined', tail: 'all' }
  if (whole.hasLine && !(await isHoled(context, whole))) return { kind: 'gone' }
  return lookPast(context, position, newest)
}

/** Shows the whole log, and whether it holds the line that was its newest: at a hole it never does; where it is rotated fast, that line was thrown away meanwhile, and newer ones are looked for. */
async function lookAtAll(context: TailContext, position: Position, last: Mark): Promise<{ newest: Mark; whole: Look }> {
  for (let newest = last, tries = 1; ; tries++) {
    const whole = await look(context, position, 'all', newest)
    if (whole.hasLine || tries === ROTATING_TRIES) return { newest, whole }
    newest = (await look(context, position, 1)).last ?? newest
  }
}

/** Whether an engine that passes over damage showed a log with less than there is; not when it was just rotated. */
async function isHoled(context: TailContext, whole: Look): Promise<boolean> {
  const { isSound } = await look(context, BEGINNING, whole.frames)
  if (isSound) return false
  const { first } = await look(context, BEGINNING, 'all', undefined, true)
  return first !== undefined && whole.first !== undefined && isSame(first, whole.first)
}

/**
 * The same for a log that is known to be damaged, or seems so as it did not show a `line` that it had: then it still has that behind the
 * hole. While it grows, what lies right behind the hole falls out of a window: then it is looked for anew.
 */
export async function lookPast(context: TailContext, position: Position, line?: Mark): Promise<Behind> {
  let tail = 1
  let isHole = line === undefined
  for (let tries = 0; tries < GROWING_TRIES; tries++) {
    const before = tail
    tail = await longestSound(context, before)
    const { isJoined, hasLine } = await look(context, position, tail, line)
    if (isJoined) return { kind: 'joined', tail }
    isHole ||= hasLine
    if (tail === before) break
    await sleep(GROWING_MS, undefined, { signal: context.signal })
  }
  return isHole ? { kind: 'hole', tail } : { kind: 'gone' }
}

/** Looks through the whole log for the last line of those prints. */
export function lookFor(context: TailContext, prints: readonly number[]): Promise<Look> {
  return look(context, { ...BEGINNING, prints }, 'all')
}

/** Whether the log has nothing behind a position; cheap, and only sure when it says so. */
export async function isNewest(context: TailContext, position: Position): Promise<boolean> {
  const { last } = await look(context, position, 1)
  if (!last) return true
  return [position.last[last.source], position.open[last.source]].some(
    (time) => time !== undefined && time[0] === last.seconds && time[1] === last.nanos,
  )
}

/** What a window showed from the last line before a position on: how many frames, and the first line behind it. */
export interface Shown {
  readonly frames: number
  readonly first: Mark
}

/**
 * Whether the engine passed over lines right behind a position: engine 20.10 goes on somewhere behind damage, and does not say so. A window
 * of as many frames as it showed then begins with another line, though it holds the first one that was shown: the log has not just grown.
 */
export async function hasSkipped(context: TailContext, position: Position, shown: Shown): Promise<boolean> {
  const { first } = await look(context, position, shown.frames, undefined, true)
  const last = first && position.last[first.source]
  if (last && last[0] === first.seconds && last[1] === first.nanos) return false
  // The log has grown by a line.
  if (first && isSame(first, shown.first)) return false
  const { isSound, hasLine } = await look(context, position, shown.frames, shown.first)
  if (isSound) return hasLine
  // It has fewer frames than it showed: unless it was just rotated beyond the position, there is a hole among them.
  return (await look(context, position, 'all')).isJoined
}

/** The longest window that is answered in full: it begins where the log does, or behind the last hole. `known`: one that is. */
export async function longestSound(context: TailContext, known = 1): Promise<number> {
  let sound = known
  let unsound = Number.POSITIVE_INFINITY
  while (unsound - sound > 1) {
    const tail = unsound === Number.POSITIVE_INFINITY ? sound * GROWTH : Math.floor((sound + unsound) / 2)
    const { isSound } = await look(context, BEGINNING, tail)
    if (isSound) sound = tail
    else unsound = tail
  }
  return sound
}

async function look(
  context: TailContext,
  position: Position,
  tail: number | 'all',
  line?: Mark,
  isBrief = false,
): Promise<Look> {
  const { engine, id, framing, signal } = context
  const release = await context.windows.acquire(signal)
  try {
    const reader = new LogReader(engine, { id, framing, tail, follow: false, dead: false }, signal)
    // Those before the last line may lie before the hole.
    const matcher = new Matcher(position.prints.slice(-1))
    const isKnown = position.prints.length > 0
    let first: Line | undefined
    let last: Mark | undefined
    let hasLine = false
    let bytes = 0
    for await (const lines of reader.batches()) {
      if (!matcher.found) matcher.search(lines)
      if (line) hasLine ||= lines.some((one) => isSame(one, line))
      first ??= lines[0]
      last = lines.at(-1) ?? last
      bytes += mostFileBytesOf(lines)
      if (isBrief) break
    }
    return {
      isSound: !reader.broken && (tail === 'all' || reader.frames >= tail),
      isJoined: isKnown && matcher.found,
      frames: reader.frames,
      bytes,
      hasLine,
      first,
      last,
    }
  } finally {
    release()
  }
}

function isSame(one: Mark, other: Mark): boolean {
  return one.source === other.source && one.seconds === other.seconds && one.nanos === other.nanos
}
