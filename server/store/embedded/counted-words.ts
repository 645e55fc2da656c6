import { type LoneText, loneText } from '../../query/lone-text.ts'
import { type Bound, doubt } from './begin.ts'
import type { CountWish } from './counts-sql.ts'
import type { Rows } from './grams/candidates.ts'
import { countedIn } from './grams/counted.ts'
import type { Block } from './grams/file.ts'
import { isCounted, partsOfGroup } from './grams/word-counts.ts'
import type { Running } from './newest.ts'
import { levelOf, sourceOf } from './schema.ts'
import type { Part } from './selection.ts'
import type { Candidates } from './slices.ts'
import type { Count } from './tally.ts'

/** What the index of words knows of a count. */
export interface CountedWords {
  readonly counts: Iterable<Count>
  /** Of the parts that it knows something of: where all lines are that it has not counted. */
  readonly rest: Candidates
}

/** Counts lines with a word by the index of words, where it can be: where nothing else is asked of their text. */
export async function countWords(
  running: Running,
  scope: Bound,
  wish: CountWish,
  signal?: AbortSignal,
): Promise<CountedWords> {
  const sums = new Sums()
  const rest = new Map<number, readonly Rows[]>()
  const asked = loneText(scope.filter)
  if (asked === undefined || !isCounted(asked.text) || scope.receivedAfter !== undefined) return { counts: [], rest }
  const isWanted = wholeBlocks(running, scope, wish)
  for (const part of running.selection.parts) {
    const ofPart = new Sums()
    const groupBy = groupsOf(part, asked, running, wish)
    const take = (block: Block, group: number, lines: number): void => {
      const wanted = groupBy(group)
      if (wanted !== undefined) ofPart.add(bucketOf(wish, block.first), wanted, lines)
    }
    const counted = { text: asked.text, isWanted, take }
    const rows = await countedIn(part, counted, running.conditions, signal).catch(() => {
      signal?.throwIfAborted()
      // Without its index all rows are read, as in any search.
      return doubt(part)
    })
    if (rows === undefined) continue
    rest.set(part.index, rows)
    for (const { time, group, lines } of ofPart) sums.add(time, group, lines)
  }
  return { counts: sums, rest }
}

/** Counts by time of the bucket and group: no more of them than the answer has. */
class Sums implements Iterable<Count> {
  readonly #lines = new Map<bigint, Map<number, number>>()

  add(time: bigint, group: number, lines: number): void {
    const ofBucket = this.#lines.get(time) ?? new Map<number, number>()
    this.#lines.set(time, ofBucket)
    ofBucket.set(group, (ofBucket.get(group) ?? 0) + lines)
  }

  *[Symbol.iterator](): Generator<Count> {
    for (const [time, ofBucket] of this.#lines) for (const [group, lines] of ofBucket) yield { time, group, lines }
  }
}

/** Begin of the bucket that a time is in; one for all where lines are not counted by time. */
function bucketOf({ buckets }: CountWish, time: bigint): bigint {
  if (buckets === undefined) return 0n
  const { interval, origin = 0n } = buckets
  const past = (time - origin) % interval
  return time - past - (past < 0n ? interval : 0n)
}

/** Tells whether all lines of a block count, as far as their times go, and in the same bucket. */
function wholeBlocks({ conditions }: Running, { receivedUpTo }: Bound, wish: CountWish): (block: Block) => boolean {
  const { since, until } = conditions
  return ({ first, last, received }) =>
    first >= since && last < until && received <= receivedUpTo && bucketOf(wish, first) === bucketOf(wish, last)
}

/** As what the lines of a group of a part count; undefined when they do not. */
function groupsOf(
  { streams }: Part,
  { holds }: LoneText,
  { conditions: { sources } }: Running,
  { group: { of } }: CountWish,
): (group: number) => number | undefined {
  const chosenBy = new Map(streams.map(({ id, chosen }) => [id, chosen]))
  const known = new Map<number, number | undefined>()
  const judge = (group: number): number | undefined => {
    const { stream: id, level, source } = partsOfGroup(group)
    const chosen = chosenBy.get(id)
    if (chosen === undefined || (sources.length > 0 && !sources.includes(source))) return undefined
    const isWanted = holds({ stream: chosen.stream, level: levelOf(level), source: sourceOf(source) })
    return isWanted ? of({ index: chosen.index, level, source }) : undefined
  }
  return (group) => {
    if (!known.has(group)) known.set(group, judge(group))
    return known.get(group)
  }
}
