import type { Line, LineTime } from '../lines.ts'
import { Cut } from './cut.ts'
import { fingerprint, Matcher } from './fingerprint.ts'
import { nanosOf, nanosOfLine, takenUpTo } from './gaps.ts'
import type { HistoryProgress } from './piece.ts'
import { BEGINNING, Place, type Position } from './place.ts'
import type { LogReader } from './reader.ts'

const GROWTH = 16
/** A window that was too short is asked for again with so many more frames at least. */
const SLACK = 1_000

/** Chooses the lines of a window of history: those behind its cut (or what was read before a restart) and before its stop. */
export class Window {
  readonly #before: HistoryProgress
  readonly #stop: Matcher
  readonly #resume: Matcher
  readonly #place: Place
  readonly #cut = new Cut()
  #first: number
  /** It begins with the line that a shorter window began with: nothing lies before it. */
  #fromBeginning = false
  #taken = 0
  /** The first line of the window. */
  first: Line | undefined

  constructor(before: HistoryProgress, mayRotate: boolean) {
    const { window } = before
    this.#before = before
    this.#stop = new Matcher(before.stop)
    this.#resume = new Matcher(window ? window.at.prints : [])
    this.#place = new Place(window ? window.at : BEGINNING, mayRotate)
    this.#first = window?.first ?? 0
    this.#fromBeginning = window?.stop.length === 0
  }

  /** The stop was met. */
  get isOver(): boolean {
    return this.#stop.found
  }

  /**
   * The log seems to begin behind the stop now: all lines that the window would hand on were then read elsewhere, or will be. When the
   * clock stepped back, younger lines do lie before the stop.
   */
  seemsBehind([first]: readonly Line[]): boolean {
    const { until, window } = this.#before
    return first !== undefined && until !== undefined && !window && nanosOfLine(first) > nanosOf(until)
  }

  /** The lines to hand on. */
  pass(lines: readonly Line[]): readonly Line[] {
    if (!this.first) this.#start(lines[0] as Line)
    const end = this.#stop.search(lines)
    const before = end === -1 ? lines : lines.slice(0, end)
    const unread = this.#skipRead(before)
    this.#place.take(unread)
    const fresh = this.#fromBeginning || this.#before.window ? unread : this.#cut.pass(unread)
    this.#taken += fresh.length
    return fresh
  }

  /** Progress amid the window. */
  progress(reader: LogReader): HistoryProgress {
    return {
      ...this.#before,
      window: { stop: this.#lower, until: this.#lowerTime, first: this.#first, at: this.#place.position(reader.open) },
    }
  }

  /** Where the window ended amid the log, though it should have gone on to its stop; undefined when it did not. */
  endedBefore(reader: LogReader): Position | undefined {
    const { until } = this.#before
    if (this.isOver || !(reader.isWhole || reader.broken) || !this.#resume.found || !until) return undefined
    const end = this.#place.position(reader.open)
    return end.prints.length > 0 && takenUpTo(end, 0n) < nanosOf(until) ? end : undefined
  }

  /** The lines that were held back and that no other window will show: the log begins here, and the stop is gone. */
  rest(reader: LogReader): readonly Line[] {
    return this.isOver || !reader.isWhole || !this.#resume.found ? [] : this.#cut.held
  }

  /** What is to be read when this window has been. */
  next(reader: LogReader): HistoryProgress | null {
    const { window: _, ...before } = this.#before
    if (!this.#resume.found) return this.isOver || !reader.isWhole ? longer(this.#before) : before
    if (!this.isOver) return reader.isWhole ? null : longer(this.#before)
    const stop = this.#lower
    if (this.#fromBeginning || this.isBeyondHorizon) return null
    const size = before.size * GROWTH
    if (stop.length === 0) return { ...before, first: this.#first, size }
    return { ...before, stop, until: this.#lowerTime, first: this.#first, size, behind: before.behind + this.#taken }
  }

  get #lowerTime(): LineTime | undefined {
    return this.#before.window ? this.#before.window.until : this.#cut.time
  }

  /** The prints that the next, older window stops at. */
  get #lower(): readonly number[] {
    return this.#before.window?.stop ?? (this.#cut.isPlaced ? this.#cut.prints : [])
  }

  /** What lies before the window is older than the horizon. */
  get isBeyondHorizon(): boolean {
    const time = this.#lowerTime
    const { horizon } = this.#before
    return time !== undefined && (time[0] < horizon[0] || (time[0] === horizon[0] && time[1] < horizon[1]))
  }

  #start(line: Line): void {
    this.first = line
    if (this.#before.window) return
    this.#first = fingerprint(line)
    this.#fromBeginning = this.#first === this.#before.first
  }

  #skipRead(lines: readonly Line[]): readonly Line[] {
    if (this.#resume.found) return lines
    const at = this.#resume.search(lines)
    return at === -1 ? [] : lines.slice(at)
  }
}

/** What is to be read when a window was too short. */
export function longer(progress: HistoryProgress): HistoryProgress {
  return { ...progress, behind: Math.ceil(progress.behind * 1.5) + progress.size + SLACK }
}
