import type { ForeignEvent } from './foreign-event.ts'
import { GrowingBytes } from './growing-bytes.ts'
import { LINE_BYTES } from './limits.ts'

const NO_BYTES = Buffer.alloc(0)
/** Docker splits lines at so many bytes. */
const PART_BYTES = 16 * 1024
const OVERHEAD_BYTES = 2048
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
  /** The parts so far, at most a line and one part. */
  readonly bytes: GrowingBytes
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
    const open = this.#open.get(id) ?? this.#begin(id, joined, now)
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

  /** Keeps what the first part's record said, without the part's bytes, which would keep its whole frame in memory. */
  #begin(id: string, joined: Joined, now: number): Open {
    const first = { ...joined, event: { ...joined.event, line: NO_BYTES } }
    const open = { first, bytes: new GrowingBytes(PART_BYTES), whole: 0, since: now }
    this.#open.set(id, open)
    this.#hold(overheadOf(open))
    return open
  }

  #append(open: Open, line: Buffer, now: number): void {
    open.since = now
    open.whole += line.length
    if (open.bytes.length > LINE_BYTES) return
    open.bytes.append(line)
    this.#hold(line.length)
  }

  #take(id: string, open: Open): Joined {
    this.#open.delete(id)
    this.#hold(-open.bytes.length - overheadOf(open))
    const { time, tag, event } = open.first
    return { time, tag, event: { ...event, line: open.bytes.view() }, wholeBytes: open.whole }
  }

  #hold(bytes: number): void {
    this.#bytes += bytes
    this.#shared.bytes += bytes
  }
}

/** What an open line takes besides its bytes. */
function overheadOf({ first }: Open): number {
  return OVERHEAD_BYTES + 2 * first.event.extras.length
}
