import type { Line } from './line.ts'

/** What a window holds at most: lines, and characters of what the server sent for them. */
export interface Bounds {
  readonly lines: number
  readonly characters: number
}

const BOUNDS: Bounds = { lines: 60_000, characters: 96 * 1024 * 1024 }
/** Dropped lines are cut off in pieces, for each cut moves all others. */
const CUT = 4096

/**
 * The lines in memory, oldest first. Each has a number that it keeps for as long as it is here, whatever comes before and after it.
 * At its bounds the oldest lines go; who must not lose them asks `isFull` first.
 */
export class LineWindow {
  readonly #bounds: Bounds
  #lines: (Line | undefined)[] = []
  #head = 0
  #first = 0
  #characters = 0

  constructor(bounds: Bounds = BOUNDS) {
    this.#bounds = bounds
  }

  /** Number of the oldest line. */
  get first(): number {
    return this.#first
  }

  /** Number of the newest line; `first - 1` when there is none. */
  get last(): number {
    return this.#first + this.size - 1
  }

  get size(): number {
    return this.#lines.length - this.#head
  }

  /** A further line makes the oldest one go. */
  get isFull(): boolean {
    return this.size >= this.#bounds.lines || this.#characters >= this.#bounds.characters
  }

  /** The line with a number; undefined when it is not here. */
  at(number: number): Line | undefined {
    return number < this.#first ? undefined : this.#lines[this.#head + number - this.#first]
  }

  /** Adds newer lines; the oldest go at the bounds. */
  push(lines: readonly Line[]): void {
    for (const line of lines) {
      this.#lines.push(line)
      this.#characters += line.json.length
    }
    while (this.size > 1 && (this.size > this.#bounds.lines || this.#characters > this.#bounds.characters)) this.#drop()
    if (this.#head < CUT) return
    this.#lines.splice(0, this.#head)
    this.#head = 0
  }

  /** Adds older lines, as many of their newest as there is room for; gives how many. */
  prepend(lines: readonly Line[]): number {
    const taken: Line[] = []
    for (const line of lines.toReversed()) {
      if (this.size + taken.length >= this.#bounds.lines || this.#characters >= this.#bounds.characters) break
      taken.push(line)
      this.#characters += line.json.length
    }
    this.#lines = [...taken.toReversed(), ...this.#lines.slice(this.#head)]
    this.#head = 0
    this.#first -= taken.length
    return taken.length
  }

  /** Forgets all lines; numbers go on, so that an old one never means a new line. */
  clear(): void {
    this.#first = this.last + 1
    this.#lines = []
    this.#head = 0
    this.#characters = 0
  }

  #drop(): void {
    this.#characters -= this.#lines[this.#head]?.json.length ?? 0
    this.#lines[this.#head] = undefined
    this.#head++
    this.#first++
  }
}
