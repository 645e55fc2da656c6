import { greater, smaller } from '../bigint.ts'
import type { Rows } from './grams/candidates.ts'
import type { Part } from './selection.ts'

/** A slice is so many chosen lines, as far as can be foreseen: its sort then fits into memory. */
const SLICE_ROWS = 65_536
const MIN_SLICE_ROWS = 512
/** ... and so many that must be looked at, so that each slice is a short piece of work. */
const SLICE_SCAN = 4_000_000
/** How much larger than foreseen a slice may be made when few of its lines match. */
const MAX_SCALE = 256
const MIN_SCALE = 1 / 4096

/** A range of times, [from, to), and the parts that have lines in it. */
export interface Slice {
  readonly from: bigint
  readonly to: bigint
  readonly parts: readonly Part[]
  /** How much larger, or smaller, it was made than what was foreseen allows. */
  readonly scale: number
}

/**
 * A part, or some of its rows, as the times of the lines go: the range, both ends inclusive, how many lines there are of chosen streams, and
 * what share of a slice each of them is.
 */
interface Span {
  readonly first: bigint
  readonly last: bigint
  readonly part: Part
  readonly rows: Rows | undefined
  readonly lines: number
  readonly cost: number
}

/** By number of the part, the only rows that can have what is looked for; of parts without all can. */
export type Candidates = ReadonlyMap<number, readonly Rows[]>

/** How a search walks. */
export interface Walk {
  readonly since: bigint
  /** Exclusive. */
  readonly until: bigint
  readonly order: 'asc' | 'desc'
  /** As many lines as the first slices should have at least; a small answer needs no large slice. */
  readonly rows?: number
  /** So many bytes of text at most, as far as can be foreseen. */
  readonly bytes: number
  /** At most so many times larger than what is foreseen to fit; less than 1 when that did not fit. */
  readonly maxScale?: number | undefined
  /** Walk by the time that counts for "the newest": `received` for lines whose clock ran ahead. */
  readonly byArrival?: boolean
  /** Nothing is sorted or kept: only how much must be looked at bounds a slice. */
  readonly isUnsorted?: boolean
}

/** The greatest scale to go on with when a slice did not fit into memory; undefined when smaller slices make no sense. */
export function smallerScale({ scale }: Slice): number | undefined {
  return scale > MIN_SCALE ? scale / 4 : undefined
}

/** Cuts the time range of a search into slices, in its order, each about as large as fits well into memory. */
export class Slices {
  readonly #parts: readonly Part[]
  readonly #byArrival: boolean
  #spans: readonly Span[]
  readonly #order: 'asc' | 'desc'
  readonly #end: bigint
  readonly #rows: number
  readonly #bytes: number
  readonly #isUnsorted: boolean
  readonly #maxScale: number
  #at: bigint
  #scale: number
  #expected = 0

  constructor(parts: readonly Part[], walk: Walk) {
    this.#order = walk.order
    this.#rows = Math.min(Math.max((walk.rows ?? SLICE_ROWS) * 4, MIN_SLICE_ROWS), SLICE_ROWS)
    this.#bytes = walk.bytes
    this.#isUnsorted = walk.isUnsorted === true
    this.#maxScale = walk.maxScale ?? MAX_SCALE
    this.#scale = Math.min(1, this.#maxScale)
    // Downwards is upwards with all times negated.
    this.#at = walk.order === 'asc' ? walk.since : 1n - walk.until
    this.#end = walk.order === 'asc' ? walk.until : 1n - walk.since
    this.#parts = parts
    this.#byArrival = walk.byArrival === true
    this.#spans = parts.map((part) => this.#span(part, undefined))
  }

  /** From here on only these rows are looked at. Few of them match, mostly: the first slices may be larger. */
  narrow(candidates: Candidates): void {
    if (candidates.size > 0) this.#scale = Math.min(this.#scale * 4, this.#maxScale)
    this.#spans = this.#parts.flatMap((part) => {
      const rows = candidates.get(part.index)
      return rows === undefined ? [this.#span(part, undefined)] : rows.map((some) => this.#span(part, some))
    })
  }

  /** The next slice that has parts; undefined at the end. */
  next(): Slice | undefined {
    const starts = this.#spans.filter((span) => span.last >= this.#at).map((span) => greater(span.first, this.#at))
    const from = starts.reduce<bigint | undefined>(
      (least, start) => (least === undefined || start < least ? start : least),
      undefined,
    )
    if (from === undefined || from >= this.#end) return undefined
    const to = this.#fill(from)
    this.#at = to
    const parts = partsOf(this.#spans.filter((span) => span.first < to && span.last >= from))
    const scale = this.#scale
    return this.#order === 'asc' ? { from, to, parts, scale } : { from: 1n - to, to: 1n - from, parts, scale }
  }

  /** Tells how many rows the last slice had, so that the next ones are larger or smaller. */
  learn(rows: number): void {
    const expected = Math.max(this.#expected, 1)
    if (rows < expected / 4) this.#scale = Math.min(this.#scale * 4, this.#maxScale)
    else if (rows > expected * 2) this.#scale = Math.max(this.#scale / 4, MIN_SCALE)
  }

  /** Where a slice from here is full; at most `#end`. Lines are taken to be spread evenly over each part's time. */
  #fill(from: bigint): bigint {
    let at = from
    let room = 1
    this.#expected = 0
    while (at < this.#end) {
      const { step, rate, lineRate } = this.#stretch(at)
      if (step === undefined) break
      const length = Number(step - at)
      if (rate * length >= room) {
        const fits = BigInt(Math.ceil(room / rate))
        this.#expected += lineRate * (room / rate)
        const to = at + greater(fits, 1n)
        return smaller(to, this.#end)
      }
      room -= rate * length
      this.#expected += lineRate * length
      at = step
    }
    return smaller(at, this.#end)
  }

  /** Up to where the same parts have lines as at this time, and how dense they are there; no step when nothing follows. */
  #stretch(at: bigint): { step: bigint | undefined; rate: number; lineRate: number } {
    let step: bigint | undefined
    let rate = 0
    let lineRate = 0
    for (const { first, last, part, lines, cost } of this.#spans) {
      if (last < at) continue
      const edge = first > at ? first : last + 1n
      if (step === undefined || edge < step) step = edge
      if (first > at) continue
      const perLine = lines / (Number(last - first) + 1)
      rate += this.#costPerLine(cost, part) * perLine
      lineRate += perLine
    }
    return { step, rate, lineRate }
  }

  #costPerLine(scan: number, part: Part): number {
    if (this.#isUnsorted) return scan / this.#scale
    const textBytes = part.text / Math.max(part.chosen, 1)
    const share = Math.max(1 / this.#rows, textBytes / this.#bytes) / this.#scale
    return Math.max(share, scan)
  }

  #span(part: Part, rows: Rows | undefined): Span {
    const { first: start, last } = rows ?? part
    const first = this.#byArrival && part.ahead !== undefined ? smaller(part.ahead, start) : start
    const lines = rows === undefined ? part.chosen : (rows.lines * part.chosen) / Math.max(part.total, 1)
    const cost = part.total / Math.max(part.chosen, 1) / SLICE_SCAN
    const times = this.#order === 'asc' ? { first, last } : { first: -last, last: -first }
    return { ...times, part, rows, lines, cost }
  }
}

/** The parts of spans with the rows that are in them: each once, and once more for rows of which other things are known. */
function partsOf(spans: readonly Span[]): Part[] {
  const parts = new Map<string, Part>()
  for (const { part, rows } of spans) {
    const key = `${part.index} ${rows?.forms.join()}`
    const known = parts.get(key)?.rows ?? []
    parts.set(key, rows === undefined ? part : { ...part, rows: [...known, rows] })
  }
  return [...parts.values()]
}

/** Yields the slices; after so many of them only those of the candidates. */
export async function* narrowing(
  slices: Slices,
  candidates: () => Promise<Candidates>,
  patience: number,
): AsyncGenerator<Slice> {
  for (let count = 0; ; count++) {
    if (count === patience) slices.narrow(await candidates())
    const slice = slices.next()
    if (slice === undefined) return
    yield slice
  }
}
