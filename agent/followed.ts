import type { GapBounds, GapReason } from '../shared/gap.ts'
import type { LogStream } from '../shared/record.ts'
import type { Checkpoint, TailBatch } from './line.ts'
import type { LineTime } from './lines.ts'
import { gapBetween, gapsAround, nanosOf, oldestWanted } from './tail/gaps.ts'
import { orderedFrom } from './tail/ordered.ts'
import {
  bytesOf,
  type Elsewhere,
  type Head,
  headOf,
  type Lost,
  type Piece,
  type Progress,
  type Span,
} from './tail/piece.ts'
import type { Position } from './tail/place.ts'
import { logFileBytes, type Target } from './target.ts'

/** The number of the checkpoint's form; another one is not understood, and the log is then read anew. */
const FORMAT = 1

/** What remains of a checkpoint for a store that has none of the container's lines, but gets those that are `spooled`: how far back they are wanted, and where they began. */
export function forAnotherStore(checkpoint: Checkpoint | undefined, spooled?: Span): Checkpoint | undefined {
  if (!checkpoint) return undefined
  const { format, horizon, head } = checkpoint
  return { format, horizon, elsewhere: { head, spooled } }
}

/** What remains of a checkpoint when some of what was read is lost on the way: the log is read again. All up to `storedUpTo` is stored; undefined: not known. */
export function readAgain(checkpoint: Checkpoint, storedUpTo: bigint | undefined): Checkpoint {
  const { format, horizon, head, stream, born, started, elsewhere, lost } = checkpoint as Checkpoint & Progress
  const from = storedUpTo === undefined ? {} : { from: String(storedUpTo) }
  // Of what was spooled then some may be what is lost.
  const before = elsewhere && { head: elsewhere.head }
  return { format, horizon, stream, born, started, elsewhere: before, lost: lost ?? { head, ...from } }
}

/** One container that is or was followed: what is known of it, and how far its log has been handed on. */
export class Followed {
  target: Target
  stream: LogStream | undefined
  /** Its live tail runs. */
  isTailing = false
  /** Its history is being read. */
  isReadingHistory = false
  /** It may have been started anew while its tail ran. */
  again = false
  /** It was sent a signal that stops it, and has not died since. */
  isDying = false
  /** In how many lists in a row it was missing. */
  missed = 0
  /** Lines that the live tail has handed on. */
  liveLines = 0
  #progress: Progress
  readonly #horizon: LineTime
  /** It is read, or was: its checkpoint then says whose it is, for the case that it is removed while no agent runs. */
  #isRead: boolean

  /** `horizon`: how far back it is read if that is not decided yet. */
  constructor(target: Target, checkpoint: Checkpoint | undefined, horizon: LineTime) {
    this.target = target
    // A checkpoint is our own: only its form is looked at.
    this.#progress = checkpoint?.format === FORMAT ? (checkpoint as Progress) : {}
    this.#isRead = checkpoint?.stream !== undefined
    this.#horizon = this.#progress.horizon ?? horizon
  }

  /** It is being read from now on; one that runs may say more, whatever it said when it ended the last time: answers whether it had. */
  open(): boolean {
    this.isTailing = true
    this.again = false
    this.#isRead = true
    const isAlive = this.target.running && this.#progress.ended === true
    if (isAlive) this.#progress = { ...this.#progress, ended: undefined }
    return isAlive
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
    const { live, history, head, elsewhere, lost } = this.#progress
    const first = progress.head ?? (isFirst(live, progress) && lines[0] ? headOf(lines[0]) : undefined)
    const grown = history && progress.live ? { history: { ...history, behind: history.behind + lines.length } } : {}
    const gone = first ? this.#goneBefore(first) : []
    const known = first ? { head: head ?? first, elsewhere: undefined, lost: undefined } : { head, elsewhere, lost }
    const ended = progress.ended ?? (progress.live ? undefined : this.#progress.ended)
    const rest = { ended, horizon: this.horizon, orderedFrom: orderedFrom(this.#progress, piece) }
    this.#progress = { ...this.#progress, ...grown, ...progress, ...known, ...rest }
    const gaps = [...(piece.gaps ?? []).filter((gap) => this.#isOurs(gap)), ...gone]
    // Attributes can be long, and gaps do without.
    const { born, startedAt } = this.target
    const times = { born: String(born), started: String(startedAt) }
    const whose = this.#isRead ? { stream: { ...stream, attributes: {} }, ...times } : {}
    const checkpoint = { format: FORMAT, ...this.#progress, ...whose }
    return { stream, lines, gaps, checkpoint, bytes: bytesOf(lines) }
  }

  /** What is older than the server keeps lines is not missing. */
  #isOurs({ reason, to }: GapBounds): boolean {
    return reason !== 'horizon' || to === nanosOf(this.horizon) - 1n
  }

  /** What another store was sent, or was lost on the way, and Docker does not have any more: its log begins with `head` now. */
  #goneBefore(head: Head): GapBounds[] {
    const { elsewhere, lost } = this.#progress
    return [
      ...(elsewhere ? this.#goneSince(elsewhere, head, 'store') : []),
      ...(lost ? this.#goneSince(lost, head, 'state') : []),
    ]
  }

  /** `before` is where the log began when its lines were read, if that is known; those up to `from` are here, and those that are `spooled` come. */
  #goneSince({ head: before, from, spooled }: Lost & Elsewhere, head: Head, reason: GapReason): GapBounds[] {
    const { target, horizon } = this
    if (before ? before.print === head.print : logFileBytes(target) === undefined) return []
    const begin = before ? nanosOf(before.at) : oldestWanted(target.born, horizon)
    if (from === undefined) return gapsAround(spooled, begin, nanosOf(head.at), reason)
    const start = BigInt(from) > begin ? BigInt(from) : begin
    return start < nanosOf(head.at) ? [gapBetween(start, nanosOf(head.at), reason)] : []
  }
}

/** Nothing lies before the lines of a piece: it begins where the log does, and has no history. */
function isFirst(before: Position | undefined, { live, history }: Progress): boolean {
  const isBeginning = before === undefined || Object.keys(before.last).length === 0
  return isBeginning && live !== undefined && history === undefined
}
