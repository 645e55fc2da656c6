import type { Source } from '../../shared/record.ts'
import type { Line, LineTime } from '../lines.ts'
import { fingerprint, PRINTS } from './fingerprint.ts'

const SOURCES = ['stdout', 'stderr'] as const

type PerSource<T> = Readonly<Partial<Record<Source, T>>>

/** A place in a container's log, behind a line: enough to find it again and to number the lines that follow. */
export interface Position {
  /** Fingerprints of the last lines before it, in file order, at most 16; none: before the first line. */
  readonly prints: readonly number[]
  /** Time and ordinal of each source's last line before it. */
  readonly last: PerSource<readonly [seconds: number, nanos: number, ordinal: number]>
  /** Times of lines that began before it and end behind it. */
  readonly open: PerSource<LineTime>
  /** Lines taken without their end; the log shows them behind it again. */
  readonly flushed: PerSource<number>
}

/** Before the first line of a log. */
export const BEGINNING: Position = { prints: [], last: {}, open: {}, flushed: {} }

/** What numbering needs of a source's last line; the line itself would hold on to its chunk. */
interface Last {
  seconds: number
  nanos: number
  ordinal: number
  headMissing: boolean
}

/** Walks along a log from a position: numbers the lines, and knows the position behind them. */
export class Place {
  #prints: readonly number[]
  readonly #last: Partial<Record<Source, Last>> = {}
  readonly #flushed: Partial<Record<Source, number>>
  readonly #headMissing: boolean

  /** `headMissing`: the log may have had lines before the position that are gone, so its first lines' ordinals are a guess. */
  constructor(position: Position = BEGINNING, headMissing = false) {
    this.#prints = position.prints
    this.#flushed = { ...position.flushed }
    this.#headMissing = headMissing
    for (const source of SOURCES) {
      const last = position.last[source]
      if (last) this.#last[source] = { seconds: last[0], nanos: last[1], ordinal: last[2], headMissing: false }
    }
  }

  /** Takes the next lines in file order: sets their ordinals. */
  take(lines: readonly Line[]): void {
    for (const line of lines) this.#number(line)
    this.#remember(lines)
  }

  /** Whether the line was already taken without its end (see Position.flushed); forgets it then. */
  wasFlushed(line: Line): boolean {
    const print = this.#flushed[line.source]
    if (print === undefined || print !== fingerprint(line)) return false
    delete this.#flushed[line.source]
    return true
  }

  /** The position behind the last line taken; `open` as the decoder says. */
  position(open: Position['open']): Position {
    const last: { -readonly [S in Source]?: readonly [number, number, number] } = {}
    for (const source of SOURCES) {
      const line = this.#last[source]
      if (line) last[source] = [line.seconds, line.nanos, line.ordinal]
    }
    return { prints: this.#prints, last, open, flushed: { ...this.#flushed } }
  }

  #number(line: Line): void {
    const { source, seconds, nanos } = line
    const last = this.#last[source]
    if (!last) {
      line.headMissing = this.#headMissing
      this.#last[source] = { seconds, nanos, ordinal: 0, headMissing: line.headMissing }
    } else if (last.seconds === seconds && last.nanos === nanos) {
      last.ordinal += 1
      line.ordinal = last.ordinal
      line.headMissing = last.headMissing
    } else {
      last.seconds = seconds
      last.nanos = nanos
      last.ordinal = 0
      last.headMissing = false
    }
  }

  /** Hashes only the last lines of a batch: on a busy log few of all. */
  #remember(lines: readonly Line[]): void {
    const prints: number[] = []
    for (let i = lines.length - 1; i >= 0 && prints.length < PRINTS; i--) {
      const line = lines[i] as Line
      // Where an unended line stands among the other source's lines changes once more of the log is there.
      if (line.ended) prints.push(fingerprint(line))
      else this.#flushed[line.source] = fingerprint(line)
    }
    if (prints.length === 0) return
    prints.reverse()
    this.#prints = prints.length === PRINTS ? prints : [...this.#prints, ...prints].slice(-PRINTS)
  }
}
