import type { Source } from '../../shared/record.ts'
import type { Line, LineTime } from '../lines.ts'
import { Matcher } from './fingerprint.ts'
import { Place, type Position } from './place.ts'
import type { LogReader } from './reader.ts'
import type { Replays } from './replays.ts'

export interface SeamOptions {
  /** What is looked for instead of all the prints of the position. */
  readonly prints?: readonly number[]
  /** The log's head, and the position with it, is gone: all of the log is behind the seam. */
  readonly headMissing?: boolean
  /** Looks for lines that are shown twice. */
  readonly replays?: Replays | undefined
}

/** Joins a new response to a position: passes over what lies before it, numbers what lies behind. */
export class Seam {
  readonly #matcher: Matcher
  readonly #place: Place
  readonly #open: Position['open']
  readonly #replays: Replays | undefined
  /** Sources of which this response has shown the end of a line. */
  readonly #seen = new Set<Source>()
  #reached: Position
  /** Index of the frame that the last line before the position began with; -1 when it was not shown. */
  foundAt = -1
  /** A line behind the position may lack its head in this response; more of the log must be asked for. */
  isTorn = false
  /** The response shows lines that it has shown before. */
  isRepeating = false

  constructor(position: Position, { prints = position.prints, headMissing = false, replays }: SeamOptions = {}) {
    this.#matcher = new Matcher(prints)
    this.#place = new Place(position, headMissing)
    this.#replays = replays
    this.#open = position.open
    this.#reached = position
  }

  get found(): boolean {
    return this.#matcher.found
  }

  /** How many of the position's last lines the log begins with. */
  get leftAtHead(): number {
    return this.#matcher.leftAtHead()
  }

  /** Behind the last line passed. */
  get position(): Position {
    return this.#reached
  }

  /** The lines that lie behind the position, numbered; none once isTorn. `reader` is what they were read by. */
  pass(lines: readonly Line[], reader: LogReader): readonly Line[] {
    if (this.isTorn || this.isRepeating) return []
    let behind = lines
    if (!this.found) {
      const at = this.#matcher.search(lines)
      this.#see(at === -1 ? lines : lines.slice(0, at))
      behind = at === -1 ? [] : lines.slice(at)
      this.foundAt = lines[at - 1]?.frame ?? -1
    }
    this.isTorn = !reader.isAll && this.#seen.size < 2 && behind.some((line) => this.#lacksHead(line))
    if (this.isTorn || behind.length === 0) return []
    const fresh = this.#unknown(behind)
    this.#place.take(fresh)
    this.#see(behind)
    this.#reached = this.#place.position(this.#stillOpen(reader))
    return fresh
  }

  /** Leaves out what was taken before. */
  #unknown(lines: readonly Line[]): readonly Line[] {
    const repeated = this.#replays?.find(lines) ?? -1
    this.isRepeating = repeated !== -1
    const fresh = this.isRepeating ? lines.slice(0, repeated) : lines
    return fresh.some((line) => !line.ended) ? fresh.filter((line) => !this.#place.wasFlushed(line)) : fresh
  }

  /** What the response has not shown any part of is still open. */
  #stillOpen(reader: LogReader): Position['open'] {
    const open: { -readonly [S in Source]?: LineTime } = { ...this.#open }
    for (const source of this.#seen) delete open[source]
    return { ...open, ...reader.open }
  }

  #see(lines: readonly Line[]): void {
    if (this.#seen.size === 2) return
    for (const line of lines) this.#seen.add(line.source)
  }

  /** A line that began before the position is whole only if this response shows an earlier line of its source. */
  #lacksHead(line: Line): boolean {
    const open = this.#open[line.source]
    return !this.#seen.has(line.source) && open !== undefined && open[0] === line.seconds && open[1] === line.nanos
  }
}
