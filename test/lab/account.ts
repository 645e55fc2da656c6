import type { Source } from '../../shared/record.ts'
import { holdGaps, type Missed, type ToldGap, toleranceOf } from './gap-ledger.ts'

/** What a container printed on one source, in order, and about when: nanoseconds since 1970, no later than the engine took the line. */
export interface PrintedSide {
  readonly lines: readonly string[]
  readonly times: readonly bigint[]
}

/** What one container printed. */
export type Printed = Readonly<Record<Source, PrintedSide>>

/** A stored line, as a search tells it. */
export interface StoredLine {
  readonly source: Source
  readonly time: bigint
  readonly message: string
}

/** What was printed against what is stored, of one container. */
export interface Account {
  readonly printed: number
  readonly missing: number
  readonly doubled: number
  readonly disordered: number
  /** Lines that nobody printed. */
  readonly strange: number
  readonly gaps: number
  /** Missing lines whose times are in no gap. */
  readonly untold: number
  /** Gaps that tell of too few or too many missing lines. */
  readonly wrongGaps: number
  /** Gaps that reach over stored lines, or over times when the container was not there. */
  readonly wideGaps: number
  /** Gaps of at least 0 lines where none is missing: the agent could not know. */
  readonly doubts: number
  /** The missing lines. */
  readonly missed: readonly Missed[]
  /** What is wrong first, for a human. */
  readonly example: string
}

/** What a container has in the store. */
export interface Stored {
  /** In answer order. */
  readonly lines: readonly StoredLine[]
  readonly gaps: readonly ToldGap[]
}

/** Holds the stored lines of one container against the lines that it printed; `born`: it printed none before. */
export function account(printed: Printed, { lines, gaps }: Stored, born: bigint): Account {
  const sides = (['stdout', 'stderr'] as const).map((source) =>
    compare(
      printed[source],
      lines.filter((line) => line.source === source),
    ),
  )
  const sum = (of: (side: Side) => number) => sides.reduce((all, side) => all + of(side), 0)
  const { example, ...told } = holdGaps(gaps, sides, born)
  return {
    printed: printed.stdout.lines.length + printed.stderr.lines.length,
    missing: sum((side) => side.missed.length),
    doubled: sum((side) => side.doubled),
    disordered: sum((side) => side.disordered),
    strange: sum((side) => side.strange),
    gaps: gaps.length,
    ...told,
    missed: sides.flatMap((side) => side.missed),
    // Missing lines may be no fault.
    example: [...sides.map((side) => side.example), example, ...sides.map(missingExample)].find(Boolean) ?? '',
  }
}

interface Side {
  doubled: number
  disordered: number
  strange: number
  example: string
  /** Times of the stored lines, by their place among the printed ones. */
  readonly stored: ReadonlyMap<number, bigint>
  readonly missed: readonly Missed[]
}

/** The lines of one source; printed lines may be equal, where a container is started again. */
function compare(printed: PrintedSide, lines: readonly StoredLine[]): Side {
  const places = new Map<string, number[]>()
  for (const [place, message] of printed.lines.entries()) {
    const known = places.get(message)
    if (known === undefined) places.set(message, [place])
    else known.push(place)
  }
  const stored = new Map<number, bigint>()
  const side = { doubled: 0, disordered: 0, strange: 0, example: '', stored }
  const taken = new Map<string, number>()
  let last = -1
  for (const { message, time } of lines) {
    const known = places.get(message)
    const turn = taken.get(message) ?? 0
    taken.set(message, turn + 1)
    const place = known?.[turn]
    if (place === undefined) side[known === undefined ? 'strange' : 'doubled']++
    else {
      if (place < last) side.disordered++
      last = place
      stored.set(place, time)
    }
    if (place === undefined || place < last) side.example ||= `too much, or too late: ${message.slice(0, 80)}`
  }
  return { ...side, missed: missedOf(printed, stored) }
}

function missingExample({ missed }: Side): string {
  const [first] = missed
  return first === undefined ? '' : `missing: ${first.message.slice(0, 80)}`
}

/** The missing lines, each with the time that the engine must have given it: between those of the stored ones around it. */
function missedOf({ lines, times }: PrintedSide, stored: ReadonlyMap<number, bigint>): Missed[] {
  const missed: Missed[] = []
  const late = (place: number) => (stored.get(place) ?? 0n) - (times[place] ?? 0n)
  for (let place = 0; place < lines.length; place++) {
    if (stored.has(place)) continue
    const before = place - 1
    let behind = place
    while (behind < lines.length && !stored.has(behind)) behind++
    const around = [before, behind].filter((one) => stored.has(one))
    const tolerance = toleranceOf(around.map(late))
    for (; place < behind; place++) {
      const at = within(times[place] ?? 0n, stored.get(before), stored.get(behind))
      missed.push({ message: lines[place] ?? '', at, tolerance })
    }
  }
  return missed
}

function within(time: bigint, from = time, to = time): bigint {
  if (time < from) return from
  return time > to ? to : time
}
