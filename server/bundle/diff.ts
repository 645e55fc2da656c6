import { Patterns, patternText } from '../query/patterns.ts'
import { EVERYTHING } from '../query/query.ts'
import { openBundle } from './open.ts'

/** As many lines of each bundle are looked at, the newest. */
const MAX_LINES = 1_000_000

/** What became of one kind of lines from one bundle to the other. */
export interface Difference {
  readonly change: 'new' | 'gone' | 'more' | 'less' | 'same'
  readonly before: number
  readonly after: number
  readonly pattern: string
}

/** Compares the kinds of lines of two bundles: what is new or gone comes first, then what changed most as a part of all. */
export async function diffBundles(a: string, b: string, cacheDir: string): Promise<Difference[]> {
  const patterns = new Patterns()
  const before = await take(patterns, a, 'before', cacheDir)
  const after = await take(patterns, b, 'now', cacheDir)
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
  return rows
    .sort((x, y) => weight(y) - weight(x) || (x.pattern < y.pattern ? -1 : 1))
    .map(({ growth: _, ...row }) => row)
}

function changeOf({ before, now }: { before: number; now: number }, growth: number): Difference['change'] {
  if (before === 0) return 'new'
  if (now === 0) return 'gone'
  return growth >= 1.5 ? 'more' : growth <= 1 / 1.5 ? 'less' : 'same'
}

async function take(patterns: Patterns, path: string, window: 'now' | 'before', cacheDir: string): Promise<number> {
  const bundle = await openBundle(path, cacheDir)
  try {
    let taken = 0
    for await (const records of bundle.store.search({ filter: EVERYTHING, order: 'desc', limit: MAX_LINES })) {
      for (const record of records) patterns.take(record, window)
      taken += records.length
    }
    return taken
  } finally {
    await bundle.close()
  }
}
