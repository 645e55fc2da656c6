import type { Source } from '../../shared/record.ts'
import type { Line } from '../lines.ts'
import { Matcher } from './fingerprint.ts'
import { Place, type Position } from './place.ts'
import type { LogReader } from './reader.ts'

/** Joins a new response to a position: passes over what lies before it, numbers what lies behind. */
export class Seam {
  readonly #matcher: Matcher
  readonly #place: Place
  readonly #open: Position['open']
  readonly #seen = new Set<Source>()
  /** A line behind the position lacks its head in this response; more of the log must be asked for. */
  isTorn = false

  constructor(position: Position, prints = position.prints, headMissing = false) {
    this.#matcher = new Matcher(prints)
    this.#place = new Place(position, headMissing)
    this.#open = position.open
  }

  get found(): boolean {
    return this.#matcher.found
  }

  /** How many of the position's last lines the log begins with. */
  get leftAtHead(): number {
    return this.#matcher.leftAtHead()
  }

  /** The lines that lie behind the position, numbered; none after isTorn. */
  pass(lines: readonly Line[]): readonly Line[] {
    let behind = lines
    if (!this.found) {
      const at = this.#matcher.search(lines)
      this.#see(at === -1 ? lines : lines.slice(0, at))
      behind = at === -1 ? [] : lines.slice(at)
    }
    if (this.#seen.size < 2) this.isTorn ||= behind.some((line) => this.#lacksHead(line))
    if (this.isTorn) return []
    const fresh = behind.some((line) => !line.ended) ? behind.filter((line) => !this.#place.wasFlushed(line)) : behind
    this.#place.take(fresh)
    return fresh
  }

  /** The position behind the last line passed. */
  position(reader: LogReader): Position {
    return this.#place.position(reader.open)
  }

  #see(lines: readonly Line[]): void {
    for (const line of lines) this.#seen.add(line.source)
  }

  /** A line that began before the position is whole only if this response shows an earlier line of its source. */
  #lacksHead(line: Line): boolean {
    const open = this.#open[line.source]
    const isFirst = !this.#seen.has(line.source)
    this.#seen.add(line.source)
    return isFirst && open !== undefined && open[0] === line.seconds && open[1] === line.nanos
  }
}
