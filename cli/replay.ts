import { setTimeout as delay } from 'node:timers/promises'
import { SwarmlogsError } from '../shared/errors.ts'
import type { Source } from '../shared/record.ts'
import { parseTime } from '../shared/time.ts'
import { Demux } from './output/demux.ts'

const NEWLINE = 0x0a
/** RFC 3339 with nine digits, and a space. */
const TIME_LENGTH = 31
const NS_PER_MS = 1_000_000

/** A printed line, and when it was printed (ms since 1970). */
export interface TimedLine {
  readonly source: Source
  readonly timeMs: number
  /** Without its time, with its newline. */
  readonly text: Buffer
  readonly time: Buffer
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

const CLOCK: Clock = { nowMs: () => performance.now(), wait: (ms) => delay(ms) }

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

/** Hands lines on when it is their turn; those that are due together in one call. */
export async function replay(
  batches: AsyncIterable<readonly TimedLine[]>,
  { speed, maxPauseMs }: Pace,
  show: (lines: readonly TimedLine[]) => Promise<void>,
  { nowMs, wait } = CLOCK,
): Promise<void> {
  let dueMs = nowMs()
  let lastMs: number | undefined
  for await (const lines of batches) {
    let together: TimedLine[] = []
    for (const line of lines) {
      // A line that is out of order is shown with its neighbours.
      const pauseMs = Math.max(0, line.timeMs - (lastMs ?? line.timeMs)) / speed
      lastMs = Math.max(line.timeMs, lastMs ?? line.timeMs)
      dueMs += Math.min(pauseMs, maxPauseMs)
      const waitMs = dueMs - nowMs()
      if (waitMs >= 1) {
        if (together.length > 0) await show(together)
        together = []
        await wait(waitMs)
      }
      together.push(line)
    }
    if (together.length > 0) await show(together)
  }
}

function* linesOf(run: Buffer, source: Source): Generator<TimedLine> {
  for (let at = 0; at < run.length; ) {
    const end = run.indexOf(NEWLINE, at) + 1
    const time = run.subarray(at, at + TIME_LENGTH)
    const ns = parseTime(time.toString('latin1').trimEnd(), 0n, 'UTC')
    yield { source, timeMs: Number(ns) / NS_PER_MS, time, text: run.subarray(at + TIME_LENGTH, end) }
    at = end
  }
}
