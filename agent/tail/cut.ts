import type { Source } from '../../shared/record.ts'
import type { Line, LineTime } from '../lines.ts'
import { fingerprint, PRINTS } from './fingerprint.ts'

/** So many frames of a window are left to the next, older one. */
const DROPPED_FRAMES = 64
/** So many lines that are surely whole must lie before the cut, for the older window to know it by. */
const SURE_LINES = 4

/**
 * Cuts off the head of a window that began amid a log: its first lines may lack their heads or, among lines of equal
 * time, their number. What lies behind the cut is exact; what lies before it is left to an older window.
 */
export class Cut {
  readonly #held: Line[] = []
  readonly #seen: Partial<Record<Source, Line>> = {}
  /** Sources whose lines so far all have the time of their first one. */
  readonly #inFirstGroup = new Set<Source>()
  #first: Line | undefined
  #prints: number[] = []
  #placed = false
  /** A line behind the cut seems to have begun before the window: a longer window is needed. */
  isTorn = false

  /** The cut has been placed: its prints are known. */
  get isPlaced(): boolean {
    return this.#placed
  }

  /** The lines before the cut. */
  get held(): readonly Line[] {
    return this.#held
  }

  /** Fingerprints of the lines right before the cut, in file order. */
  get prints(): readonly number[] {
    return this.#prints
  }

  /** Time of the last line before the cut. */
  get time(): LineTime | undefined {
    const last = this.#held.at(-1)
    return last && [last.seconds, last.nanos]
  }

  /** The lines that lie behind the cut. */
  pass(lines: readonly Line[]): readonly Line[] {
    let i = 0
    for (; !this.#placed && i < lines.length; i++) {
      const line = lines[i] as Line
      if (this.#isBehind(line)) this.#place()
      else this.#drop(line)
    }
    if (!this.#placed) return []
    const behind = i === 0 ? lines : lines.slice(i - 1)
    this.#check(behind)
    return behind
  }

  #isBehind(line: Line): boolean {
    if (line.frame < DROPPED_FRAMES || this.#prints.length < SURE_LINES) return false
    this.#leaveFirstGroup(line)
    for (const source of this.#inFirstGroup) {
      const last = this.#seen[source]
      if (last && line.frame - last.frame < DROPPED_FRAMES) return false
    }
    return true
  }

  #drop(line: Line): void {
    this.#first ??= line
    this.#held.push(line)
    this.#leaveFirstGroup(line)
    const { source } = line
    if (!this.#seen[source]) this.#inFirstGroup.add(source)
    // The first line of a source may be the end of a longer one.
    else if (line.ended) this.#prints.push(fingerprint(line))
    this.#seen[source] = line
  }

  #leaveFirstGroup(line: Line): void {
    const last = this.#seen[line.source]
    if (last && (last.seconds !== line.seconds || last.nanos !== line.nanos)) this.#inFirstGroup.delete(line.source)
  }

  #place(): void {
    this.#placed = true
    this.#prints = this.#prints.slice(-PRINTS)
  }

  /** A source that the window has not shown before, with a line older than the window: a part of it may lie before. */
  #check(lines: readonly Line[]): void {
    if (this.#seen.stdout && this.#seen.stderr) return
    for (const line of lines) {
      if (!this.#seen[line.source] && this.#first && isOlder(line, this.#first)) this.isTorn = true
      this.#seen[line.source] = line
    }
  }
}

function isOlder(a: Line, b: Line): boolean {
  return a.seconds < b.seconds || (a.seconds === b.seconds && a.nanos < b.nanos)
}
