import type { LogStream } from '../shared/record.ts'
import type { Checkpoint, TailBatch } from './line.ts'
import type { LineTime } from './lines.ts'
import { bytesOf, type Piece, type Progress } from './tail/piece.ts'
import type { Target } from './target.ts'

/** The number of the checkpoint's form; another one is not understood, and the log is then read anew. */
const FORMAT = 1

/** What remains of a checkpoint for a store that has none of the container's lines: how far back they are wanted. */
export function forAnotherStore(checkpoint: Checkpoint | undefined): Checkpoint | undefined {
  return checkpoint && { format: checkpoint.format, horizon: checkpoint.horizon }
}

/** One container that is or was followed: what is known of it, and how far its log has been handed on. */
export class Followed {
  target: Target
  stream: LogStream | undefined
  /** Its live tail runs. */
  isTailing = false
  /** Its history is being read. */
  isReadingHistory = false
  /** It was told again while its tail ran: it may have been started anew. */
  again = false
  /** It was sent a signal that stops it, and has not died since. */
  isDying = false
  /** In how many lists in a row it was missing. */
  missed = 0
  /** Lines that the live tail has handed on. */
  liveLines = 0
  #progress: Progress
  readonly #horizon: LineTime

  /** `horizon`: how far back it is read if that is not decided yet. */
  constructor(target: Target, checkpoint: Checkpoint | undefined, horizon: LineTime) {
    this.target = target
    // A checkpoint is our own: only its form is looked at.
    this.#progress = checkpoint?.format === FORMAT ? (checkpoint as Progress) : {}
    this.#horizon = this.#progress.horizon ?? horizon
  }

  /** Older lines are not wanted. */
  get horizon(): LineTime {
    return this.#horizon
  }

  get progress(): Progress {
    return this.#progress
  }

  /** Makes a batch of a piece as it is handed out; from then on its progress counts. */
  commit(piece: Piece, stream: LogStream): TailBatch {
    const { lines, progress } = piece
    if (progress.live) this.liveLines += lines.length
    const { history } = this.#progress
    const grown = history && progress.live ? { history: { ...history, behind: history.behind + lines.length } } : {}
    this.#progress = { ...this.#progress, ...grown, ...progress, horizon: this.horizon }
    return { stream, lines, checkpoint: { format: FORMAT, ...this.#progress }, bytes: bytesOf(lines) }
  }
}
