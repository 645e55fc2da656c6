/** What a gap says of the lines that are lost. */
export interface ToldGap {
  readonly from: bigint
  readonly to: bigint
  readonly atLeast: number
  readonly atMost?: number
  /** It is of the whole node: containers may be missing that nobody saw, whatever those have that were seen. */
  readonly isOfNode?: boolean
}

/** A missing line, and when the engine took it, as near as that is known. */
export interface Missed {
  readonly message: string
  readonly at: bigint
  readonly tolerance: bigint
}

/** What is known of one source: times of its stored lines, and its missing ones. */
export interface GapSide {
  readonly stored: ReadonlyMap<number, bigint>
  readonly missed: readonly Missed[]
}

/** Between what was printed and what is told, and between the two sources of a container, times may differ by so much. */
const TOLERANCE_NS = 50_000_000n
/** What an engine that is busy may add. */
const MOST_LATE_NS = 1_000_000_000n
const NS_PER_MS = 1_000_000n

/** How near to its printing a missing line's time is known, given how late the engine took the lines around it. */
export function toleranceOf(late: readonly bigint[]): bigint {
  const most = [0n, ...late].toSorted((a, b) => (a < b ? 1 : -1))[0] ?? 0n
  return TOLERANCE_NS + (most < MOST_LATE_NS ? most : MOST_LATE_NS)
}

/**
 * Holds the gaps of a container against its missing lines: they must cover the times of all of these, bound how many there are, and end
 * where the stored lines around them are.
 */
export function holdGaps(
  gaps: readonly ToldGap[],
  sides: readonly GapSide[],
  born: bigint,
): { untold: number; wrongGaps: number; wideGaps: number; doubts: number; example: string } {
  const missed = sides.flatMap((side) => side.missed)
  const untold = missed.filter((line) => !gaps.some((gap) => holds(gap, line)))
  const now = BigInt(Date.now()) * NS_PER_MS
  const own = gaps.filter(({ isOfNode }) => !isOfNode)
  const wide = own.filter((gap) => gap.from < born || gap.to > now || reachesOver(gap, sides))
  const miscounted = groupsOf(gaps).filter((group) => !isCounted(group, missed))
  const doubts = gaps.filter((gap) => gap.atLeast === 0 && !missed.some((line) => holds(gap, line)))
  const examples = [
    ...untold.map(({ message, at }) => `in no gap: ${message.slice(0, 80)} of ${clock(at)}`),
    ...wide.map((gap) => `a gap over stored lines: ${text(gap)}`),
    ...miscounted.map((group) => `a gap that counts wrongly: ${group.map(text)}`),
  ]
  return {
    ...{ untold: untold.length, wrongGaps: miscounted.length, wideGaps: wide.length, doubts: doubts.length },
    example: examples[0] ?? '',
  }
}

function holds({ from, to }: ToldGap, { at, tolerance }: Missed): boolean {
  return from - tolerance <= at && at <= to + tolerance
}

/** Whether stored lines of each source that it is about are amid it. */
function reachesOver(gap: ToldGap, sides: readonly GapSide[]): boolean {
  const lacking = sides.filter(({ missed }) => missed.some((line) => holds(gap, line)))
  const [from, to] = [gap.from + TOLERANCE_NS, gap.to - TOLERANCE_NS]
  const about = lacking.length > 0 ? lacking : sides
  return about.every(({ stored }) => [...stored.values()].some((time) => from < time && time < to))
}

/** Gaps that may tell of the same lines. */
function groupsOf(gaps: readonly ToldGap[]): ToldGap[][] {
  const groups: ToldGap[][] = []
  let end = 0n
  for (const gap of gaps.toSorted((a, b) => (a.from < b.from ? -1 : 1))) {
    const last = groups.at(-1)
    if (last !== undefined && gap.from <= end + 2n * TOLERANCE_NS) last.push(gap)
    else groups.push([gap])
    if (gap.to > end) end = gap.to
  }
  return groups
}

function isCounted(group: readonly ToldGap[], missed: readonly Missed[]): boolean {
  const count = missed.filter((line) => group.some((gap) => holds(gap, line))).length
  const atLeast = group.reduce((sum, gap) => sum + gap.atLeast, 0)
  const atMost = group.reduce((sum, gap) => sum + (gap.atMost ?? Number.POSITIVE_INFINITY), 0)
  return atLeast <= count && count <= atMost
}

function text({ from, to, atLeast, atMost }: ToldGap): string {
  return `${clock(from)} to ${clock(to)}, ${atLeast} to ${atMost ?? 'any number of'} lines`
}

function clock(time: bigint): string {
  return new Date(Number(time / NS_PER_MS)).toISOString()
}
