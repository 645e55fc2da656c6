import type { StoredRecord } from '../../shared/record.ts'
import { Patterns, patternText } from '../query/patterns.ts'
import { EVERYTHING } from '../query/query.ts'
import { openBundle } from './open.ts'
import { readReplayed } from './replayed.ts'

/** As many lines of each side are looked at, the newest. */
export const MAX_LINES = 1_000_000

/** What became of one kind of lines from one side to the other. */
export interface Difference {
  readonly change: 'new' | 'gone' | 'more' | 'less' | 'same'
  readonly before: number
  readonly after: number
  readonly pattern: string
}

/** Lines, some at a time. */
export type Lines = AsyncIterable<readonly StoredRecord[]>

/** Two sides compared. */
export interface Compared {
  /** What changed most as a part of all comes first. */
  readonly rows: readonly Difference[]
  /** Whether a side had as many lines as are looked at: it may have older ones. */
  readonly isCut: readonly [a: boolean, b: boolean]
}

/** Compares two sides by their kinds of lines. */
export async function diffLines(a: Lines, b: Lines, maxLines = MAX_LINES): Promise<Compared> {
  const patterns = new Patterns()
  const before = await take(patterns, a, 'before')
  const after = await take(patterns, b, 'now')
  const rows = patterns.both().map((pattern) => {
    const growth = (pattern.now + 1) / (after + 1) / ((pattern.before + 1) / (before + 1))
    return {
      growth,
      before: pattern.before,
      after: pattern.now,
      pattern: patternText(pattern),
      change: changeOf(pattern, growth),
    }
  })
  const weight = ({ growth }: { growth: number }): number => Math.abs(Math.log(growth))
  rows.sort((x, y) => weight(y) - weight(x) || (x.pattern < y.pattern ? -1 : 1))
  return { rows: rows.map(({ growth: _, ...row }) => row), isCut: [before >= maxLines, after >= maxLines] }
}

function changeOf({ before, now }: { before: number; now: number }, growth: number): Difference['change'] {
  if (before === 0) return 'new'
  if (now === 0) return 'gone'
  return growth >= 1.5 ? 'more' : growth <= 1 / 1.5 ? 'less' : 'same'
}

async function take(patterns: Patterns, lines: Lines, window: 'now' | 'before'): Promise<number> {
  let taken = 0
  for await (const records of lines) {
    for (const record of records) patterns.take(record, window)
    taken += records.length
  }
  return taken
}

/** The newest lines of a bundle. */
export async function* linesOfBundle(path: string, cacheDir: string): AsyncGenerator<readonly StoredRecord[]> {
  const bundle = await openBundle(path, cacheDir)
  try {
    yield* bundle.store.search({ filter: EVERYTHING, order: 'desc', limit: MAX_LINES })
  } finally {
    await bundle.close()
  }
}

/** The lines that archive forms of a search tell. */
export async function* linesOfAnswers(
  linesFrom: (cursor: string | null) => Promise<AsyncIterable<Buffer>>,
): AsyncGenerator<readonly StoredRecord[]> {
  for await (const items of readReplayed(linesFrom))
    yield items.flatMap((item) => ('record' in item ? [item.record] : []))
}
