import type { Source } from '../shared/record.ts'
import type { TailLine } from './line.ts'
import { StampReader } from './stamp.ts'

/** Longer lines are cut here; the rest of them is counted and thrown away. */
export const MAX_MESSAGE_BYTES = 1024 * 1024
/** Docker cuts output without a newline into parts of this size; a shorter part ends its line, newline or not. */
export const PART_BYTES = 16 * 1024
const NEWLINE = 10

/** A decoded line. The tail sets ordinal and headMissing, which take more than one response to know. */
export interface Line extends TailLine {
  ordinal: number
  headMissing: boolean
  /** It ended by itself; false when only the end of the log, or the next line, showed that it had. */
  readonly ended: boolean
  /** Index in the response of the frame that it began with. */
  readonly frame: number
}

/** Time of a line: whole seconds since 1970, nanoseconds within. */
export type LineTime = readonly [seconds: number, nanos: number]

/** Parts of a line that is not complete: what is kept of it, and its length so far. */
interface Open {
  readonly seconds: number
  readonly nanos: number
  readonly frame: number
  readonly parts: Buffer[]
  kept: number
  length: number
}

/** One source's decoder state. */
class SourceState {
  readonly source: Source
  readonly stamp = new StampReader()
  open: Open | undefined
  /** Payload bytes of the frame that is being taken in pieces. */
  frameBytes = 0

  constructor(source: Source) {
    this.source = source
  }
}

/**
 * Makes lines of frames: takes the timestamp off, joins the 16 KiB parts of a long line, cuts it at 1 MiB.
 * Messages are slices of the chunks they came in: who keeps one for long must copy it.
 */
export class Lines {
  readonly #emit: (line: Line) => void
  readonly #stdout = new SourceState('stdout')
  readonly #stderr = new SourceState('stderr')
  /** Frames begun so far; what `tail=N` counts. */
  frames = 0

  constructor(emit: (line: Line) => void) {
    this.#emit = emit
  }

  /** Takes a piece of a frame (see PieceSink). */
  piece(source: Source, buffer: Buffer, start: number, end: number, first: boolean, last: boolean): void {
    const state = source === 'stdout' ? this.#stdout : this.#stderr
    if (first) this.#begin(state, buffer, start, end, last)
    else this.#more(state, buffer, start, end, last)
  }

  /** The times of the lines that are not complete. */
  get open(): Partial<Record<Source, LineTime>> {
    const times: Partial<Record<Source, LineTime>> = {}
    for (const { source, open } of [this.#stdout, this.#stderr]) if (open) times[source] = [open.seconds, open.nanos]
    return times
  }

  /** Hands on lines whose newline will not come any more: right only at the end of a dead container's log. */
  flush(): void {
    for (const state of [this.#stdout, this.#stderr]) if (state.open) this.#finish(state, state.open, false)
  }

  #begin(state: SourceState, buffer: Buffer, start: number, end: number, last: boolean): void {
    this.frames += 1
    const { stamp } = state
    // A frame without a timestamp cannot be; should it come, it takes the time of the line before it.
    const from = start + stamp.read(buffer, start, end)
    const { open } = state
    if (open && (open.seconds !== stamp.seconds || open.nanos !== stamp.nanos)) this.#finish(state, open, false)
    if (state.open === undefined && last) {
      const newline = end > from && buffer[end - 1] === NEWLINE
      if (newline || end - from < PART_BYTES) {
        this.#whole(state, buffer.subarray(from, newline ? end - 1 : end))
        return
      }
    }
    state.open ??= { seconds: stamp.seconds, nanos: stamp.nanos, frame: this.frames - 1, parts: [], kept: 0, length: 0 }
    state.frameBytes = 0
    this.#more(state, buffer, from, end, last)
  }

  #whole(state: SourceState, message: Buffer): void {
    const { source, stamp } = state
    this.#emit({
      source,
      seconds: stamp.seconds,
      nanos: stamp.nanos,
      ordinal: 0,
      message,
      cutFrom: 0,
      headMissing: false,
      ended: true,
      frame: this.frames - 1,
    })
  }

  #more(state: SourceState, buffer: Buffer, start: number, end: number, last: boolean): void {
    const { open } = state
    if (!open) throw new Error('BUG: a frame goes on that never began')
    const newline = last && end > start && buffer[end - 1] === NEWLINE
    keep(open, buffer, start, newline ? end - 1 : end)
    state.frameBytes += end - start
    if (last && (newline || state.frameBytes < PART_BYTES)) this.#finish(state, open, true)
  }

  #finish(state: SourceState, open: Open, ended: boolean): void {
    state.open = undefined
    const { seconds, nanos, frame, length } = open
    const cut = length > MAX_MESSAGE_BYTES
    const all = open.parts.length === 1 && open.parts[0] ? open.parts[0] : Buffer.concat(open.parts, open.kept)
    const message = cut ? all.subarray(0, characterEnd(all)) : all
    const cutFrom = cut ? length : 0
    this.#emit({ source: state.source, seconds, nanos, ordinal: 0, message, cutFrom, headMissing: false, ended, frame })
  }
}

/** Copies the part (a slice would hold on to its whole chunk) as far as there is room, and counts all of it. */
function keep(open: Open, buffer: Buffer, start: number, end: number): void {
  const room = Math.min(end - start, MAX_MESSAGE_BYTES - open.kept)
  if (room > 0) {
    open.parts.push(Buffer.from(buffer.subarray(start, start + room)))
    open.kept += room
  }
  open.length += end - start
}

/** Where the last complete UTF-8 character of a cut message ends; its whole length when its end is not UTF-8 at all. */
function characterEnd(message: Buffer): number {
  const { length } = message
  for (let back = 1; back <= 4 && back <= length; back++) {
    const byte = message[length - back] as number
    if (byte < 0x80) return length
    if (byte >= 0xc0) {
      const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
      return size > back ? length - back : length
    }
  }
  return length
}
