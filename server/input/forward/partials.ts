import type { ForeignEvent } from './foreign-event.ts'
import { LINE_BYTES } from './limits.ts'

const HELD_MS = 10_000
const HELD_LINES = 64
const HELD_BYTES = 2 * LINE_BYTES
/** Of all connections. */
const SHARED_BYTES = 32 * LINE_BYTES

/** Where a part belongs: Docker's driver numbers the parts of a line from 1. */
export interface Part {
  readonly id: string
  readonly ordinal: number
  readonly isLast: boolean
}

/** A line, or a part of one, with what its record said. */
export interface Joined {
  readonly time: bigint
  readonly tag: string
  readonly event: ForeignEvent
  /** Bytes of the whole line; more than the event's line has when it was too long to keep. */
  readonly wholeBytes: number
}

interface Open {
  readonly first: Joined
  readonly pieces: Buffer[]
  /** Bytes of the parts that are kept, at most those of a line. */
  kept: number
  /** Bytes of all parts. */
  whole: number
  since: number
}

/** Bytes that the joiners of all connections hold. */
export interface PartialsHeld {
  bytes: number
}

/**
 * Puts the parts of long lines together, for one connection. A line whose rest does not come is given back as it is after 10 s,
 * or, oldest first, when too much is held; a line of more than 1 MiB is cut and flagged.
 */
export class Partials {
  readonly #open = new Map<string, Open>()
  readonly #shared: PartialsHeld
  #bytes = 0

  constructor(shared: PartialsHeld) {
    this.#shared = shared
  }

  /** Takes a part; gives the lines that are whole by it, or that must go because of it. */
  add(joined: Joined, part: Part, now: number): Joined[] {
    const id = `${joined.event.origin.containerId} ${part.id}`
    const open = this.#open.get(id) ?? { first: joined, pieces: [], kept: 0, whole: 0, since: now }
    this.#open.set(id, open)
    this.#append(open, joined.event.line, now)
    const lines = part.isLast ? [this.#take(id, open)] : []
    for (const [oldest, line] of this.#open) {
      if (!this.#isFull) break
      lines.push(this.#take(oldest, line))
    }
    return lines
  }

  /** Gives the lines of which nothing came for 10 s; with no time, all. */
  expire(now?: number): Joined[] {
    const lines: Joined[] = []
    for (const [id, open] of this.#open) {
      if (now === undefined || now - open.since >= HELD_MS) lines.push(this.#take(id, open))
    }
    return lines
  }

  get #isFull(): boolean {
    return this.#open.size > HELD_LINES || this.#bytes > HELD_BYTES || this.#shared.bytes > SHARED_BYTES
  }

  #append(open: Open, line: Buffer, now: number): void {
    open.since = now
    open.whole += line.length
    if (open.kept > LINE_BYTES) return
    // A copy: the line is a part of its frame's memory.
    open.pieces.push(Buffer.from(line))
    open.kept += line.length
    this.#hold(line.length)
  }

  #take(id: string, open: Open): Joined {
    this.#open.delete(id)
    this.#hold(-open.kept)
    const { time, tag, event } = open.first
    return { time, tag, event: { ...event, line: Buffer.concat(open.pieces) }, wholeBytes: open.whole }
  }

  #hold(bytes: number): void {
    this.#bytes += bytes
    this.#shared.bytes += bytes
  }
}
