import type { Logger } from 'pino'
import type { Line, LineTime } from '../lines.ts'
import type { Following } from '../report/tails.ts'
import type { Engine } from './engine.ts'
import type { Position } from './place.ts'
import type { Slots } from './slots.ts'

/** How far the history reader of a container has come. It reads windows of the log, each before the one read last. */
export interface HistoryProgress {
  /** Fingerprints of the last lines that are its to read. */
  readonly stop: readonly number[]
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
  readonly first: number
  /** Behind the last line that was handed on. */
  readonly at: Position
}

/** Everything that a container's tail must remember. */
export interface Progress {
  readonly live?: Position
  /** null: read to the horizon; absent: not begun. */
  readonly history?: HistoryProgress | null
  /** Older lines were not wanted at first sight. Another store is to get the same lines, so it goes on to count there. */
  readonly horizon?: LineTime
}

/** What a tail hands on: lines of one container in file order, and what changes in its progress by them. */
export interface Piece {
  readonly lines: readonly Line[]
  readonly progress: Progress
}

/** What a tail works on and with. */
export interface TailContext {
  readonly engine: Engine
  readonly id: string
  readonly tty: boolean
  /** Size at which the engine rotates this log, throwing away the oldest file; undefined: it never does. */
  readonly fileBytes: number | undefined
  /** Lines older than this are not wanted at first sight. */
  readonly horizon: LineTime
  readonly signal: AbortSignal
  /** Limits the finite reads that run at a time on this engine. */
  readonly windows: Slots
  readonly log: Logger
  /** Called each time that the live tail has read all that was there: history may begin. */
  readonly onCaughtUp: () => void
  /** Called when the live tail finds that lines behind its position were rotated away before it could read them. */
  readonly onLost: () => void
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

/** Bytes of all messages. */
export function bytesOf(lines: readonly Line[]): number {
  let bytes = 0
  for (const { message } of lines) bytes += message.length
  return bytes
}
