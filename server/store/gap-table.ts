import type { Gap } from '../../shared/gap.ts'

/** How many gaps a store holds. */
export const MAX_GAPS = 100_000

/** A range of time: the first moment that counts, and the first that does not. */
export interface GapRange {
  readonly since?: bigint | undefined
  readonly until?: bigint | undefined
}

/** What a change of the table means for where its gaps are kept. */
export interface GapChange {
  readonly written: readonly Gap[]
  /** Identities, as `gapKey` writes them. */
  readonly removed: readonly string[]
}

/** What a gap is known by: (container, reason, from). */
export function gapKey({ stream, reason, from }: Pick<Gap, 'stream' | 'reason' | 'from'>): string {
  return `${stream.containerId}\0${reason}\0${from}`
}

/** Order of gaps: by where they begin, then by identity. */
export function compareGaps(a: Gap, b: Gap): number {
  if (a.from !== b.from) return a.from < b.from ? -1 : 1
  return gapKey(a) < gapKey(b) ? -1 : 1
}

/** Whether some of the gap lies in the range. */
export function isGapIn({ from, to }: Pick<Gap, 'from' | 'to'>, { since, until }: GapRange): boolean {
  return (since === undefined || to >= since) && (until === undefined || from < until)
}

/** Gaps of a store, with those of lines that an archive has lost, in order. */
export function withLost(gaps: readonly Gap[], lost: readonly Gap[], range: GapRange): readonly Gap[] {
  return lost.length === 0 ? gaps : [...gaps, ...lost.filter((gap) => isGapIn(gap, range))].sort(compareGaps)
}

/** Gaps by identity. At its bound neighbours of one container and reason become one gap; where there are none, the oldest go. */
export class GapTable {
  readonly #gaps = new Map<string, Gap>()
  readonly #max: number

  constructor(max = MAX_GAPS) {
    this.#max = max
  }

  get size(): number {
    return this.#gaps.size
  }

  /** Takes gaps, each in place of the one that it is told anew. */
  put(gaps: readonly Gap[]): GapChange {
    const touched = new Set<string>()
    for (const gap of gaps) {
      const key = gapKey(gap)
      this.#gaps.set(key, gap)
      touched.add(key)
    }
    if (this.#gaps.size > this.#max) for (const key of this.#shrink()) touched.add(key)
    const written: Gap[] = []
    const removed: string[] = []
    for (const key of touched) {
      const gap = this.#gaps.get(key)
      if (gap === undefined) removed.push(key)
      else written.push(gap)
    }
    return { written, removed }
  }

  /** Gaps of which some lies in the range, in order. */
  in(range: GapRange): Gap[] {
    return [...this.#gaps.values()].filter((gap) => isGapIn(gap, range)).sort(compareGaps)
  }

  /** Identities of the gaps that end before what is told of each. */
  endedBefore(timeOf: (gap: Gap) => bigint): string[] {
    return [...this.#gaps].filter(([, gap]) => gap.to < timeOf(gap)).map(([key]) => key)
  }

  /** Forgets gaps. */
  remove(keys: readonly string[]): void {
    for (const key of keys) this.#gaps.delete(key)
  }

  /** Makes room for a quarter of the bound, so that this is rare; answers what it touched. */
  #shrink(): Set<string> {
    const touched = new Set<string>()
    const wanted = Math.floor((this.#max * 3) / 4)
    while (this.#gaps.size > wanted && this.#mergeNeighbours(wanted, touched)) {}
    const oldest = this.in({}).slice(0, Math.max(0, this.#gaps.size - this.#max))
    for (const key of oldest.map(gapKey)) {
      this.#gaps.delete(key)
      touched.add(key)
    }
    return touched
  }

  /** Merges pairs, the oldest first; false when there was none. */
  #mergeNeighbours(wanted: number, touched: Set<string>): boolean {
    const last = new Map<string, Gap>()
    const before = this.#gaps.size
    for (const gap of this.in({})) {
      if (this.#gaps.size <= wanted) break
      const group = `${gap.stream.containerId}\0${gap.reason}`
      const neighbour = last.get(group)
      last.delete(group)
      if (neighbour === undefined) {
        last.set(group, gap)
        continue
      }
      this.#gaps.set(gapKey(neighbour), merged(neighbour, gap))
      this.#gaps.delete(gapKey(gap))
      touched.add(gapKey(neighbour)).add(gapKey(gap))
    }
    return this.#gaps.size < before
  }
}

function merged(first: Gap, second: Gap): Gap {
  const { atMost, ...rest } = first
  const { to } = second.to > first.to ? second : first
  const both = { ...rest, to, atLeast: first.atLeast + second.atLeast }
  return atMost === undefined || second.atMost === undefined ? both : { ...both, atMost: atMost + second.atMost }
}
