import { setTimeout as sleep } from 'node:timers/promises'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { Line } from '../lines.ts'
import { Cut } from './cut.ts'
import { fingerprint, Matcher } from './fingerprint.ts'
import { type HistoryProgress, type Piece, type TailContext, within } from './piece.ts'
import { BEGINNING, Place } from './place.ts'
import { LogReader } from './reader.ts'

const GROWTH = 16
/** A window that was too short is asked for again with so many more frames at least. */
const SLACK = 1_000
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
    progress = { ...progress, behind: progress.behind + lines - seen }
    seen = lines
    try {
      for await (const piece of readWindow(context, progress)) {
        if (piece.progress.history !== undefined) progress = piece.progress.history
        yield piece
      }
    } catch (error) {
      if (context.signal.aborted || isFinal(error)) return
      context.log.debug({ err: error, container: context.id }, 'cannot read on in history, trying again')
      await sleep(RETRY_MS, undefined, { signal: context.signal }).catch(() => undefined)
    }
  }
}

/** Reads one window; its last piece says what is to be read next. */
async function* readWindow(context: TailContext, progress: HistoryProgress): AsyncGenerator<Piece, void> {
  const { engine, id, tty, signal, fileBytes } = context
  const tail = Math.ceil(progress.behind * 1.1) + progress.size
  const release = await context.windows.acquire(signal)
  try {
    const reader = new LogReader(engine, { id, tty, tail, follow: false, dead: false }, signal)
    const window = new Window(progress, fileBytes !== undefined)
    for await (const lines of reader.batches()) {
      const fresh = within(window.pass(lines), progress.horizon)
      if (fresh.length > 0) yield { lines: fresh, progress: { history: window.progress(reader) } }
      if (window.isOver) break
    }
    yield { lines: within(window.rest(reader), progress.horizon), progress: { history: window.next(reader) } }
  } finally {
    release()
  }
}

/** Chooses a window's lines: those behind its cut (or what was read before a restart) and before its stop. */
class Window {
  readonly #before: HistoryProgress
  readonly #stop: Matcher
  readonly #resume: Matcher
  readonly #place: Place
  readonly #cut = new Cut()
  #first: number
  /** It begins with the line that a shorter window began with: nothing lies before it. */
  #fromBeginning = false
  #started = false
  #taken = 0

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

  /** The lines to hand on. */
  pass(lines: readonly Line[]): readonly Line[] {
    if (!this.#started) this.#start(lines[0] as Line)
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
    return { ...this.#before, window: { stop: this.#lower, first: this.#first, at: this.#place.position(reader.open) } }
  }

  /** The lines that were held back and that no other window will show: the log begins here, and the stop is gone. */
  rest(reader: LogReader): readonly Line[] {
    return this.isOver || !reader.isWhole || !this.#resume.found ? [] : this.#cut.held
  }

  /** What is to be read when this window has been. */
  next(reader: LogReader): HistoryProgress | null {
    const { window: _, ...before } = this.#before
    if (!this.#resume.found) return this.isOver || !reader.isWhole ? this.#longer() : before
    if (!this.isOver) return reader.isWhole ? null : this.#longer()
    const stop = this.#lower
    if (this.#fromBeginning || this.#isBeyondHorizon) return null
    const size = before.size * GROWTH
    if (stop.length === 0) return { ...before, first: this.#first, size }
    return { ...before, stop, first: this.#first, size, behind: before.behind + this.#taken }
  }

  /** The prints that the next, older window stops at. */
  get #lower(): readonly number[] {
    return this.#before.window?.stop ?? (this.#cut.isPlaced ? this.#cut.prints : [])
  }

  get #isBeyondHorizon(): boolean {
    const { time } = this.#cut
    const { horizon } = this.#before
    return time !== undefined && (time[0] < horizon[0] || (time[0] === horizon[0] && time[1] < horizon[1]))
  }

  #start(line: Line): void {
    this.#started = true
    if (this.#before.window) return
    this.#first = fingerprint(line)
    this.#fromBeginning = this.#first === this.#before.first
  }

  #skipRead(lines: readonly Line[]): readonly Line[] {
    if (this.#resume.found) return lines
    const at = this.#resume.search(lines)
    return at === -1 ? [] : lines.slice(at)
  }

  #longer(): HistoryProgress {
    return { ...this.#before, behind: Math.ceil(this.#before.behind * 1.5) + this.#before.size + SLACK }
  }
}

function isFinal(error: unknown): boolean {
  const code = error instanceof SwarmlogsError ? error.code : undefined
  return code === 'SWARMLOGS_NOT_FOUND' || code === 'SWARMLOGS_LOG_UNREADABLE'
}
