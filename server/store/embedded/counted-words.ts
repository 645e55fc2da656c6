import { type LoneText, loneText } from '../../query/lone-text.ts'
import { type Bound, doubt } from './begin.ts'
import type { CountWish } from './counts-sql.ts'
import { type Counted, countedIn } from './grams/counted.ts'
import type { Block } from './grams/file.ts'
import { isCounted, partsOfGroup } from './grams/word-counts.ts'
import type { Running } from './newest.ts'
import { levelOf, sourceOf } from './schema.ts'
import type { Part } from './selection.ts'
import type { Candidates } from './slices.ts'
import type { Count } from './tally.ts'

/** What the index of words knows of a count. */
export interface CountedWords {
  readonly counts: readonly Count[]
  /** Of the parts that it knows something of: where all lines are that it has not counted. */
  readonly rest: Candidates
}

const NOTHING: CountedWords = { counts: [], rest: new Map() }

/** Counts lines with a word by the index of words, where it can be: where nothing else is asked of their text. */
export async function countWords(
  running: Running,
  scope: Bound,
  wish: CountWish,
  signal?: AbortSignal,
): Promise<CountedWords> {
  const asked = loneText(scope.filter)
  if (asked === undefined || !isCounted(asked.text) || scope.receivedAfter !== undefined) return NOTHING
  const counts: Count[] = []
  const rest = new Map(NOTHING.rest)
  for (const part of running.selection.parts) {
    const isWanted = isWhole(running, scope, wish)
    const counted = await countedIn(part, asked.text, running.conditions, isWanted, signal).catch(() => {
      signal?.throwIfAborted()
      // Without its index all rows are read, as in any search.
      return doubt(part)
    })
    if (counted === undefined) continue
    rest.set(part.index, counted.rest)
    counts.push(...countsOf(part, counted, asked, running, wish))
  }
  return { counts, rest }
}

/** Whether all lines of a block count, as far as their times go, and in the same bucket. */
function isWhole({ conditions }: Running, { receivedUpTo }: Bound, { buckets }: CountWish): (block: Block) => boolean {
  const { since, until } = conditions
  const bucketOf = (time: bigint): bigint => {
    const { interval, origin = 0n } = buckets ?? { interval: 1n }
    const past = time - origin
    return past / interval - (past % interval < 0n ? 1n : 0n)
  }
  return ({ first, last, received }) =>
    first >= since &&
    last < until &&
    received <= receivedUpTo &&
    (buckets === undefined || bucketOf(first) === bucketOf(last))
}

function* countsOf(
  { streams }: Part,
  { blocks }: Counted,
  { holds }: LoneText,
  { conditions: { sources } }: Running,
  { group: { of } }: CountWish,
): Generator<Count> {
  const chosenBy = new Map(streams.map(({ id, chosen }) => [id, chosen]))
  for (const { block, lines } of blocks) {
    for (const [group, count] of lines) {
      const { stream: id, level, source } = partsOfGroup(group)
      const chosen = chosenBy.get(id)
      if (chosen === undefined || (sources.length > 0 && !sources.includes(source))) continue
      if (!holds({ stream: chosen.stream, level: levelOf(level), source: sourceOf(source) })) continue
      yield { time: block.first, group: of({ index: chosen.index, level, source }), lines: count }
    }
  }
}
