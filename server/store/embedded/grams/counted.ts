import { lookIn, type Place, type Rows, rowsOf, type TimeRange } from './candidates.ts'
import type { Block } from './file.ts'
import { eachCount } from './word-counts.ts'

/** What is counted: lines that have the text (one that `isCounted`), in the blocks that are wanted as a whole. */
export interface CountedText {
  readonly text: string
  readonly isWanted: (block: Block) => boolean
  /** Takes what is counted; of a group of a block several times. It stands only when `countedIn` answers rows. */
  readonly take: (block: Block, group: number, lines: number) => void
}

/**
 * Counts lines with a text by what the index of a segment has counted. Answers among which rows all others are that can have it; undefined where
 * all of the segment is to be read.
 */
export async function countedIn(
  place: Place,
  { text, isWanted, take }: CountedText,
  range: TimeRange,
  signal?: AbortSignal,
): Promise<readonly Rows[] | undefined> {
  const { archived, grams } = place.segment
  const looked = await lookIn(place, [text], range)
  // What cannot be read of a day that is known to be damaged is not counted either.
  if (looked === undefined || archived?.hasLostLines) return undefined
  const { generation } = grams
  const { wanted = [], others = [] } = Object.groupBy(looked.found, (block) =>
    block.counts > 0 && isWanted(block) ? 'wanted' : 'others',
  )
  const rest = rowsOf(place, looked, others)
  // Files of an archived day are read whole, with what was counted.
  if (rest === undefined || (archived !== undefined && rest.length > 0)) return undefined
  const isRead = ({ from }: Block): boolean => rest.some((rows) => from >= rows.from && from < rows.to)
  const counted = wanted.filter((block) => !isRead(block))
  for await (const { block, counts } of grams.countsOf(counted)) {
    signal?.throwIfAborted()
    eachCount(text, counts, (group, lines) => take(block, group, lines))
  }
  return grams.generation === generation ? rest : undefined
}
