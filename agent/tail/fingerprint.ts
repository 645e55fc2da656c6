import type { Line } from '../lines.ts'

/** So many of the last lines a checkpoint remembers. */
export const PRINTS = 16
/** Bytes at each end of a message that are hashed; with the nanosecond and the length they tell any two lines apart. */
const SAMPLE = 64

/** A 53-bit hash of a line's source, time, length and both ends; the same whenever Docker is asked for the line again. */
export function fingerprint(line: Line): number {
  const high = hash(line, 0x41c6ce57, 1597334677)
  return 2 ** 32 * (high & 0x1fffff) + (hash(line, 0xdeadbeef, 2654435761) >>> 0)
}

/** A 32-bit hash. It runs for every line of a history: nothing in it allocates. */
function hash(line: Line, seed: number, factor: number): number {
  const { message, seconds } = line
  const { length } = message
  let all = mix(seed, line.source === 'stderr' ? 1 : 2, factor)
  all = mix(all, line.cutFrom || length, factor)
  all = mix(all, seconds | 0, factor)
  all = mix(all, Math.floor(seconds / 2 ** 32), factor)
  all = mix(all, line.nanos, factor)
  all = mixBytes(all, message, 0, Math.min(length, SAMPLE), factor)
  all = mixBytes(all, message, Math.max(SAMPLE, length - SAMPLE), length, factor)
  return Math.imul(all ^ (all >>> 13), 3266489909)
}

function mixBytes(from: number, bytes: Buffer, start: number, end: number, factor: number): number {
  let all = from
  let at = start
  for (; at + 4 <= end; at += 4) all = mix(all, bytes.readInt32LE(at), factor)
  for (; at < end; at++) all = mix(all, bytes[at] as number, factor)
  return all
}

function mix(all: number, value: number, factor: number): number {
  const product = Math.imul(all ^ value, factor)
  return product ^ (product >>> 15)
}

/** Finds a run of known lines, by their fingerprints in file order, in lines that come batch by batch. */
export class Matcher {
  readonly #prints: readonly number[]
  /** The prints of the last lines, newest last; as many as are looked for. */
  readonly #recent: number[] = []
  /** The prints of the first lines. */
  readonly #head: number[] = []
  /** The run was found, or there is none to look for. */
  found: boolean

  constructor(prints: readonly number[]) {
    this.#prints = prints
    this.found = prints.length === 0
  }

  /** Index in `lines` behind the run; -1 when it does not end in them. */
  search(lines: readonly Line[]): number {
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i] as Line
      if (line.ended && this.#take(fingerprint(line))) {
        this.found = true
        return i + 1
      }
    }
    return -1
  }

  /** How many of the run's last lines the log began with: what is left of it when its head was rotated away. */
  leftAtHead(): number {
    for (let count = Math.min(this.#prints.length - 1, this.#head.length); count > 0; count--) {
      const rest = this.#prints.slice(-count)
      if (rest.every((print, i) => print === this.#head[i])) return count
    }
    return 0
  }

  #take(print: number): boolean {
    const wanted = this.#prints
    if (this.#head.length < wanted.length) this.#head.push(print)
    this.#recent.push(print)
    if (this.#recent.length > wanted.length) this.#recent.shift()
    if (print !== wanted.at(-1)) return false
    return this.#recent.length === wanted.length && wanted.every((one, i) => one === this.#recent[i])
  }
}
