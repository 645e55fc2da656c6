import { setTimeout as delay } from 'node:timers/promises'
import { SwarmlogsError } from '../shared/errors.ts'
import type { Source } from '../shared/record.ts'
import { parseTime } from '../shared/time.ts'
import { Demux } from './output/demux.ts'

const NEWLINE = 0x0a
/** RFC 3339 with nine digits, and a space. */
const TIME_LENGTH = 31
const NS_PER_MS = 1_000_000

/** What was printed or happened at a time, nanoseconds since 1970. */
export interface Timed {
  readonly ns: bigint
}

/** A printed line. */
export interface TimedLine extends Timed {
  readonly source: Source
  /** Without its time, with its newline. */
  readonly text: Buffer
  readonly time: Buffer
}

/** What it is the turn of. */
export interface Due<T> {
  readonly item: T
  /** So long after the first of all (ms). */
  readonly offsetMs: number
}

/** How fast lines are replayed. */
export interface Pace {
  /** So many times as fast as they were printed. */
  readonly speed: number
  /** No silence is longer than that. */
  readonly maxPauseMs: number
}

/** What a replay goes by. */
export interface Clock {
  readonly nowMs: () => number
  readonly wait: (ms: number) => Promise<unknown>
}

/** The clock of this machine; its waits end when the signal comes, by throwing. */
export function clockUntil(signal?: AbortSignal): Clock {
  return { nowMs: () => performance.now(), wait: (ms) => delay(ms, undefined, signal && { signal }) }
}

/** Reads `10x`, `0.5`, `max`. Throws SWARMLOGS_USAGE. */
export function parseSpeed(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY
  const speed = Number(/^(\d+(?:\.\d+)?)x?$/.exec(text)?.[1] ?? 0)
  if (speed > 0) return speed
  throw new SwarmlogsError('SWARMLOGS_USAGE', `cannot use '${text}' for --speed: give a factor such as 10x, or max`)
}

/** Takes lines that begin with their time out of Docker's multiplexed stream, those that came together in one list. */
export async function* timedLines(pieces: AsyncIterable<Buffer>): AsyncGenerator<TimedLine[]> {
  const demux = new Demux()
  let held: Buffer = Buffer.alloc(0)
  for await (const piece of pieces) {
    const lines: TimedLine[] = []
    for (const { type, bytes } of demux.push(piece)) {
      // A run is overwritten by the next piece, and a line never goes over from one output to the other.
      const run = Buffer.concat([held, bytes])
      const end = run.lastIndexOf(NEWLINE) + 1
      lines.push(...linesOf(run.subarray(0, end), type === 2 ? 'stderr' : 'stdout'))
      held = Buffer.from(run.subarray(end))
    }
    if (lines.length > 0) yield lines
  }
  demux.end()
}

/** Yields what there is when it is its turn, that which is due together in one list. What is out of order comes with its neighbours. */
export async function* replay<T extends Timed>(
  batches: AsyncIterable<readonly T[]>,
  { speed, maxPauseMs }: Pace,
  { nowMs, wait } = clockUntil(),
): AsyncGenerator<readonly Due<T>[]> {
  const startMs = nowMs()
  let offsetMs = 0
  let last: bigint | undefined
  for await (const items of batches) {
    let together: Due<T>[] = []
    for (const item of items) {
      const pauseMs = last === undefined || item.ns < last ? 0 : Number(item.ns - last) / NS_PER_MS / speed
      if (last === undefined || item.ns > last) last = item.ns
      offsetMs += Math.min(pauseMs, maxPauseMs)
      const waitMs = startMs + offsetMs - nowMs()
      if (waitMs >= 1) {
        if (together.length > 0) yield together
        together = []
        await wait(waitMs)
      }
      together.push({ item, offsetMs })
    }
    if (together.length > 0) yield together
  }
}

function* linesOf(run: Buffer, source: Source): Generator<TimedLine> {
  for (let at = 0; at < run.length; ) {
    const end = run.indexOf(NEWLINE, at) + 1
    const time = run.subarray(at, at + TIME_LENGTH)
    const ns = parseTime(time.toString('latin1').trimEnd(), 0n, 'UTC')
    yield { source, ns, time, text: run.subarray(at + TIME_LENGTH, end) }
    at = end
  }
}
