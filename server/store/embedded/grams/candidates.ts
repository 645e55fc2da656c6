import { smaller } from '../../bigint.ts'
import type { Segment } from '../segment.ts'
import type { Block, Placed } from './file.ts'
import { capitalsOf, gramsOf, ODD_CAPITAL, quadsOf } from './signature.ts'

/** Rows further apart than others are told apart up to so many runs; each is a part of a statement. */
const MAX_RUNS = 32
/** Where more of the rows may match, all are read in one go. */
const MAX_SHARE = 0.5
/** A word that stands in more forms is looked for in lower case alone. */
const MAX_FORMS = 3
const MAX_MASKS = 64
/** So many letters of a word tell its forms. */
const MAX_LETTERS = 12

/** Rows of a segment among which all are that a search can find. */
export interface Rows {
  /** Numbers of the rows, [from, to); infinite where the segment may have grown since. */
  readonly from: number
  readonly to: number
  /** Times of the first and last line. */
  readonly first: bigint
  readonly last: bigint
  readonly lines: number
  /** One of these texts, as it stands here, is in each message that is found; none in the last rows, of which that is not known. */
  readonly forms: readonly string[]
}

/** A segment, times of the first and last of its lines that count, and how many lines it has. */
export interface Place {
  readonly segment: Segment
  readonly first: bigint
  readonly last: bigint
  readonly total: number
}

/**
 * Where in the segment lines can be that have all the texts (in lower case) in their message, and a time in [since, until). Undefined when
 * its signatures do not tell.
 */
export async function candidatesIn(
  place: Place,
  texts: readonly string[],
  range: TimeRange,
): Promise<readonly Rows[] | undefined> {
  const looked = await lookIn(place, texts, range)
  return looked && rowsOf(place, looked, looked.found)
}

/** What the signatures of a segment tell of some texts. */
export interface Looked {
  /** The blocks of the times asked about that may have them all. */
  readonly found: readonly Placed[]
  /** So many rows have signatures. */
  readonly indexed: number
  readonly forms: readonly string[]
}

/** Times, [since, until). */
export interface TimeRange {
  readonly since: bigint
  readonly until: bigint
}

/** Looks for texts (in lower case) in the signatures; undefined when these do not tell. */
export async function lookIn(
  { segment: { grams } }: Place,
  texts: readonly string[],
  { since, until }: TimeRange,
): Promise<Looked | undefined> {
  // It may grow meanwhile, or be forgotten.
  const { rows: indexed, generation, capitals } = grams
  const wanted = texts.flatMap(gramsOf)
  if (indexed === 0 || wanted.length === 0) return undefined
  const isAsked = (block: Block): boolean => block.to <= indexed && block.last >= since && block.first < until
  const found = await grams.having(wanted, isAsked)
  return grams.generation === generation ? { found, indexed, forms: formsOf(texts, capitals) } : undefined
}

/** The rows of some of the blocks, and those without signatures; undefined when it is better to read all. */
export function rowsOf(
  { first, last, total }: Place,
  { indexed, forms }: Looked,
  blocks: readonly Block[],
): readonly Rows[] | undefined {
  const share = blocks.reduce((sum, { from, to }) => sum + to - from, 0) / indexed
  if (share > MAX_SHARE && forms.length === 0) return undefined
  const all = { from: 0, to: indexed, first, last }
  const rows = (share > MAX_SHARE ? [all] : runsOf(blocks)).map((run) => ({ ...run, lines: run.to - run.from, forms }))
  // Lines that come later are none of the search.
  if (indexed >= total) return rows
  return [...rows, { from: indexed, to: Number.POSITIVE_INFINITY, first, last, lines: total - indexed, forms: [] }]
}

/** In which forms the longest word of the texts stands in the lines; none when there are too many, or when it is not known. */
function formsOf(texts: readonly string[], capitals: ReadonlySet<number> | undefined): string[] {
  const words = texts.flatMap((text) => text.match(/[a-z]{4,}/g) ?? [])
  const word = words.reduce((best, one) => (one.length > best.length ? one : best), '').slice(0, MAX_LETTERS)
  if (word === '' || capitals === undefined || capitals.has(ODD_CAPITAL)) return []
  const quads = quadsOf(word)
  const isThere = (at: number, places: number): boolean =>
    (places & 15) === 0 || capitals.has(capitalsOf(quads[at] ?? '', places & 15))
  let masks = Array.from({ length: 16 }, (_, places) => places).filter((places) => isThere(0, places))
  // Neighbours share three letters.
  for (let at = 1; at < quads.length; at++) {
    const longer = masks.flatMap((mask) => [mask << 1, (mask << 1) | 1])
    masks = longer.filter((mask) => isThere(at, mask))
    if (masks.length > MAX_MASKS) return []
  }
  return masks.length > MAX_FORMS ? [] : masks.map((mask) => withCapitals(word, mask))
}

function withCapitals(word: string, mask: number): string {
  const isCapital = (at: number): boolean => ((mask >>> (word.length - 1 - at)) & 1) === 1
  return [...word].map((letter, at) => (isCapital(at) ? letter.toUpperCase() : letter)).join('')
}

/** Neighbours as one; where there are too many, those that are closest to each other, too. */
function runsOf(blocks: readonly Block[]): { from: number; to: number; first: bigint; last: bigint }[] {
  const gaps = blocks.slice(1).map(({ from }, index) => from - (blocks[index]?.to ?? 0))
  const least = [...gaps].sort((a, b) => b - a)[MAX_RUNS - 1] ?? 0
  const runs: { from: number; to: number; first: bigint; last: bigint }[] = []
  for (const { from, to, first, last } of blocks) {
    const run = runs.at(-1)
    if (run === undefined || from - run.to > least) {
      runs.push({ from, to, first, last })
      continue
    }
    run.to = to
    run.first = smaller(run.first, first)
    if (last > run.last) run.last = last
  }
  return runs
}
