import { lookIn, type Place, type Rows, rowsOf, type TimeRange } from './candidates.ts'
import type { Block, Placed } from './file.ts'
import { linesWith } from './word-counts.ts'

/** The lines of a segment that have a text, as far as its index tells how many they are. */
export interface Counted {
  /** Blocks with their lines by group; see word-counts.ts. */
  readonly blocks: readonly { readonly block: Block; readonly lines: ReadonlyMap<number, number> }[]
  /** All others that can have it are among these rows. */
  readonly rest: readonly Rows[]
}

/**
 * Counts the lines that have the text (one that `isCounted`), in the blocks that `isWanted` tells to be wanted whole. Undefined where all of
 * the segment is to be read.
 */
export async function countedIn(
  place: Place,
  text: string,
  range: TimeRange,
  isWanted: (block: Block) => boolean,
  signal?: AbortSignal,
): Promise<Counted | undefined> {
  const { archived, grams } = place.segment
  const looked = await lookIn(place, [text], range)
  // What of a damaged day cannot be read is not counted either.
  if (looked === undefined || archived?.hasLostLines) return undefined
  const { generation } = grams
  const counts = (block: Placed): boolean => block.counts > 0 && isWanted(block)
  const rest = rowsOf(
    place,
    looked,
    looked.found.filter((block) => !counts(block)),
  )
  // Files of an archived day are read whole, with what was counted.
  if (rest === undefined || (archived !== undefined && rest.length > 0)) return undefined
  const isRead = ({ from }: Block): boolean => rest.some((rows) => from >= rows.from && from < rows.to)
  const counted = looked.found.filter((block) => counts(block) && !isRead(block))
  const blocks: { block: Block; lines: ReadonlyMap<number, number> }[] = []
  for await (const { block, counts: packed } of grams.countsOf(counted)) {
    signal?.throwIfAborted()
    blocks.push({ block, lines: linesWith(text, packed) })
  }
  return grams.generation === generation ? { blocks, rest } : undefined
}
