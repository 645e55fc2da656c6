import type { Source } from '../../shared/record.ts'

/*
 * The ledger is the judge of reliability: containers print `run source seq payload`, and after the faults the stored
 * lines are held against what was printed: missing, doubled, out of order.
 */

/** A shell command for lab/busybox:1 that prints `count` numbered lines to each source, then ends; `pauseEvery` lines it sleeps 10 ms. */
export function printer(run: string, count: number, pauseEvery = 0): string {
  const pause = pauseEvery > 0 ? `[ $((i % ${pauseEvery})) -eq 0 ] && usleep 10000;` : ''
  return `i=0; while [ $i -lt ${count} ]; do echo "${run} stdout $i payload-$((i * 7919 % 10007))"; echo "${run} stderr $i payload-$((i * 104729 % 10007))" >&2; ${pause} i=$((i + 1)); done`
}

/** What is wrong with a stored set of lines. Empty lists and zeroes mean an exact ledger. */
export interface Verdict {
  readonly missing: readonly string[]
  readonly doubled: readonly string[]
  readonly strange: readonly string[]
  readonly outOfOrder: number
}

const EXACT: Verdict = { missing: [], doubled: [], strange: [], outOfOrder: 0 }

/** The verdict of an exact ledger, to compare with. */
export const exact = EXACT

/** Holds stored messages (in answer order) against what printers of `run` with `count` lines a source printed. At most 20 examples each. */
export function judge(run: string, count: number, messages: readonly string[]): Verdict {
  const seen = { stdout: new Uint8Array(count), stderr: new Uint8Array(count) }
  const last = { stdout: -1, stderr: -1 }
  const doubled: string[] = []
  const strange: string[] = []
  let outOfOrder = 0
  for (const message of messages) {
    const [name, source, text] = message.split(' ')
    const seq = Number(text)
    if (name !== run || (source !== 'stdout' && source !== 'stderr') || !(seq < count)) {
      strange.push(message)
      continue
    }
    if (seen[source][seq]) doubled.push(message)
    seen[source][seq] = 1
    if (seq < last[source]) outOfOrder++
    last[source] = seq
  }
  const missing: string[] = []
  for (const source of ['stdout', 'stderr'] as const)
    seen[source].forEach((here, seq) => {
      if (!here) missing.push(`${run} ${source} ${seq}`)
    })
  return { missing: missing.slice(0, 20), doubled: doubled.slice(0, 20), strange: strange.slice(0, 20), outOfOrder }
}

/** A stored line, as a search tells it. */
export interface StoredLine {
  readonly source: Source
  readonly time: bigint
  readonly message: string
}

/** What a gap says of the lines that are lost. */
export interface ToldGap {
  readonly from: bigint
  readonly to: bigint
  readonly atLeast: number
  readonly atMost?: number
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
  /** Runs of missing lines that no gap tells of. */
  readonly untold: number
  /** Gaps that tell of lines that are not missing, or of too few or too many. */
  readonly wrongGaps: number
  /** Gaps of at least 0 lines where none is missing: the agent could not know. */
  readonly doubts: number
  /** What is wrong first, for a human. */
  readonly example: string
}

/** Holds the stored lines of one container, in answer order, against the lines that it printed, in order per source. */
export function account(
  printed: Readonly<Record<Source, readonly string[]>>,
  stored: readonly StoredLine[],
  gaps: readonly ToldGap[],
): Account {
  const sides = (['stdout', 'stderr'] as const).map((source) =>
    compare(
      printed[source],
      stored.filter((line) => line.source === source),
    ),
  )
  const sum = (of: (side: Side) => number) => sides.reduce((all, side) => all + of(side), 0)
  const holes = sides.flatMap((side) => side.holes)
  const missing = sum((side) => side.missing)
  const needless = gaps.filter((gap) => !holes.some((hole) => overlap(gap, hole)))
  return {
    printed: printed.stdout.length + printed.stderr.length,
    missing,
    doubled: sum((side) => side.doubled),
    disordered: sum((side) => side.disordered),
    strange: sum((side) => side.strange),
    gaps: gaps.length,
    untold: holes.filter((hole) => !gaps.some((gap) => overlap(gap, hole))).length,
    wrongGaps: needless.filter(({ atLeast }) => atLeast > 0).length + (isWithin(gaps, missing) ? 0 : 1),
    doubts: needless.filter(({ atLeast }) => atLeast === 0).length,
    example: sides.map(({ example }) => example).find(Boolean) ?? '',
  }
}

/** Missing lines, between the times of the stored ones around them. */
interface Hole {
  readonly from: bigint
  readonly to: bigint
}

interface Side {
  missing: number
  doubled: number
  disordered: number
  strange: number
  example: string
  readonly holes: Hole[]
}

/** The lines of one source; printed lines may be equal, where a container is started again. */
function compare(printed: readonly string[], stored: readonly StoredLine[]): Side {
  const side: Side = { missing: 0, doubled: 0, disordered: 0, strange: 0, example: '', holes: [] }
  const places = new Map<string, number[]>()
  for (const [place, message] of printed.entries()) places.set(message, [...(places.get(message) ?? []), place])
  const times = new Map<number, bigint>()
  const taken = new Map<string, number>()
  let last = -1
  for (const { message, time } of stored) {
    const known = places.get(message)
    const turn = taken.get(message) ?? 0
    taken.set(message, turn + 1)
    const place = known?.[turn]
    if (place === undefined) side[known === undefined ? 'strange' : 'doubled']++
    else {
      if (place < last) side.disordered++
      last = place
      times.set(place, time)
    }
    if (place === undefined || place < last) side.example ||= `too much, or too late: ${message.slice(0, 80)}`
  }
  findHoles(printed, times, side)
  return side
}

function findHoles(printed: readonly string[], times: ReadonlyMap<number, bigint>, side: Side): void {
  let from = 0n
  let isOpen = false
  for (const [place, message] of printed.entries()) {
    const time = times.get(place)
    if (time === undefined) {
      side.missing++
      side.example ||= `missing: ${message.slice(0, 80)}`
      isOpen = true
      continue
    }
    if (isOpen) side.holes.push({ from, to: time })
    isOpen = false
    from = time
  }
  if (isOpen) side.holes.push({ from, to: END_OF_TIME })
}

const END_OF_TIME = 2n ** 63n

function isWithin(gaps: readonly ToldGap[], missing: number): boolean {
  const atLeast = gaps.reduce((sum, gap) => sum + gap.atLeast, 0)
  const atMost = gaps.reduce((sum, gap) => sum + (gap.atMost ?? Number.POSITIVE_INFINITY), 0)
  return missing >= atLeast && (gaps.length === 0 || missing <= atMost)
}

function overlap(gap: ToldGap, hole: Hole): boolean {
  return gap.from <= hole.to && gap.to >= hole.from
}
