import type { Logger } from 'pino'
import type { GapBounds } from '../../shared/gap.ts'
import type { Framing } from '../framing.ts'
import type { Line, LineTime } from '../lines.ts'
import type { Following } from '../report/tails.ts'
import type { Engine } from './engine.ts'
import { fingerprint } from './fingerprint.ts'
import type { Position } from './place.ts'
import type { Slots } from './slots.ts'

/** How far the history reader of a container has come. It reads windows of the log, each before the one read last. */
export interface HistoryProgress {
  /** Fingerprints of the last lines that are its to read, and the time of the last of them. */
  readonly stop: readonly number[]
  readonly until?: LineTime | undefined
  /** About how many frames the log holds behind them. */
  readonly behind: number
  /** How many frames before them the next window shall hold. */
  readonly size: number
  /** Fingerprint of the first line of the window read last: a longer one that begins with it too has reached the log's beginning. */
  readonly first?: number
  /** Older lines are not wanted. */
  readonly horizon: LineTime
  /** The window that is being read. */
  readonly window?: HistoryWindow
}

/** Where the reading of a window goes on after a restart. */
export interface HistoryWindow {
  /** What the older window will stop at; none when this one began at the log's beginning. */
  readonly stop: readonly number[]
  readonly until?: LineTime | undefined
  readonly first: number
  /** Behind the last line that was handed on. */
  readonly at: Position
}

/** The line that a log began with. */
export interface Head {
  readonly at: LineTime
  readonly print: number
}

/** What was read and is lost on the way: where the log began then, if that is known, and up to when its lines are stored nevertheless (nanoseconds since 1970, decimal). */
export interface Lost {
  readonly head?: Head | undefined
  readonly from?: string | undefined
}

/** Where the log began that another store was sent, if that is known, and which of its lines this store gets all the same. */
export interface Elsewhere {
  readonly head?: Head | undefined
  readonly spooled?: Span | undefined
}

/** All lines that a container has in these times, nanoseconds since 1970, decimal. */
export interface Span {
  readonly from: string
  readonly to: string
}

/** Everything that a container's tail must remember. */
export interface Progress {
  readonly live?: Position
  /** null: read to the horizon; absent: not begun. */
  readonly history?: HistoryProgress | null
  /** Older lines were not wanted at first sight. Another store is to get the same lines, so it goes on to count there. */
  readonly horizon?: LineTime
  /** The first line of the log as it was when all of it had been read. */
  readonly head?: Head | undefined
  /** See `orderedFrom`. */
  readonly orderedFrom?: number | undefined
  /** Another store was sent the log before. */
  readonly elsewhere?: Elsewhere | undefined
  /** Lines that were read are not in the spool any more: the log is read again. */
  readonly lost?: Lost | undefined
  /** The container was dead, or gone, when all of its log had been read; lines that come later take it back. */
  readonly ended?: boolean | undefined
}

/** What a tail hands on: lines of one container in file order, gaps that were found with them, and what changes in its progress by both. */
export interface Piece {
  readonly lines: readonly Line[]
  readonly gaps?: readonly GapBounds[] | undefined
  readonly progress: Progress
}

/** What a tail works on and with. */
export interface TailContext {
  readonly engine: Engine
  readonly id: string
  readonly framing: Framing
  /** Size at which the engine rotates this log, throwing away the oldest file; undefined: it never does. */
  readonly fileBytes: number | undefined
  /** The engine writes labels or other attributes of the container to each of its lines. */
  readonly hasAttributes: boolean
  /** How many files the engine keeps of it. */
  readonly files: number
  /** When the container was made, nanoseconds since 1970: it has no older lines. */
  readonly born: bigint
  /** It was made since the agent's state began, and where its log begins is not known yet: what that has lost is to be told then. */
  readonly isOwed: () => boolean
  /** Lines older than this are not wanted at first sight. */
  readonly horizon: LineTime
  readonly signal: AbortSignal
  /** Limits the finite reads that run at a time on this engine. */
  readonly windows: Slots
  readonly log: Logger
  /** Called each time that the live tail has read all that was there: history may begin. */
  readonly onCaughtUp: () => void
  /** History was read to its end, or there was none. */
  readonly hasAllHistory: () => boolean
  /** How many lines the live tail has handed on. */
  readonly liveLines: () => number
  /** Called with a follow that has found the live tail's position and shows each new line from now on; without one when it ends. */
  readonly onFollowing: (following?: Following) => void
}

/** A time of a clock in milliseconds. */
export function lineTime(ms: number): LineTime {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.floor((ms - seconds * 1000) * 1_000_000)]
}

/** The later of two times. */
export function later(one: LineTime, other: LineTime): LineTime {
  return one[0] > other[0] || (one[0] === other[0] && one[1] >= other[1]) ? one : other
}

/** Whether a line is older than a time. */
export function isBefore(line: Line, time: LineTime): boolean {
  return line.seconds < time[0] || (line.seconds === time[0] && line.nanos < time[1])
}

/** The lines that are not older than the horizon. */
export function within(lines: readonly Line[], horizon: LineTime): readonly Line[] {
  return lines.some((line) => isBefore(line, horizon)) ? lines.filter((line) => !isBefore(line, horizon)) : lines
}

/** The line as the first one of its log. */
export function headOf(line: Line): Head {
  return { at: [line.seconds, line.nanos], print: fingerprint(line) }
}

/** Bytes of all messages. */
export function bytesOf(lines: readonly Line[]): number {
  let bytes = 0
  for (const { message } of lines) bytes += message.length
  return bytes
}
