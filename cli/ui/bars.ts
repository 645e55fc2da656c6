import type { ApiHistogram } from '../../shared/api/answers.ts'
import { isError } from './line.ts'
import type { State } from './state.ts'

const LENGTHS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400]
const MAX_SECONDS = 604_800
const HEIGHTS = ' ▁▂▃▄▅▆▇█'
/** The times at both ends of the strip, and the space around them. */
const ENDS_WIDTH = 20
const MIN_BARS = 10

/** One bar of the strip. */
export interface Bar {
  readonly records: number
  readonly errors: number
}

/** Where the bars of the strip are in time (ms since 1970), each as long as one bucket of the server. */
export interface Grid {
  readonly from: number
  readonly length: number
  readonly count: number
}

/** How many cells there are for bars. */
export function barRoom({ columns }: Pick<State, 'columns'>): number {
  return Math.max(MIN_BARS, columns - ENDS_WIDTH)
}

/** The bars that show the strip's range where there is so much room. */
export function gridOf({ strip, columns }: Pick<State, 'strip' | 'columns'>): Grid {
  const wanted = (strip.to - strip.from) / 1000 / barRoom({ columns })
  const length = (LENGTHS.find((seconds) => seconds >= wanted) ?? MAX_SECONDS) * 1000
  const from = Math.floor(strip.from / length) * length
  return { from, length, count: Math.max(1, Math.ceil((strip.to - from) / length)) }
}

/** The bars of an answer. */
export function barsOf(answer: ApiHistogram | undefined, { from, length, count }: Grid): Bar[] {
  const bars = Array.from({ length: count }, () => ({ records: 0, errors: 0 }))
  for (const { start, records, counts = {} } of answer?.buckets ?? []) {
    const bar = bars[Math.floor((Date.parse(start) - from) / length)]
    if (bar === undefined) continue
    bar.records += records
    for (const [level, number] of Object.entries(counts)) if (isError({ level })) bar.errors += number
  }
  return bars
}

/** How each bar looks; a bar that is not empty is never blank. */
export function barTexts(bars: readonly Bar[]): string[] {
  const most = Math.max(1, ...bars.map(({ records }) => records))
  return bars.map(({ records }) => {
    const height = records === 0 ? 0 : Math.max(1, Math.round((records / most) * (HEIGHTS.length - 1)))
    return HEIGHTS[height] ?? ' '
  })
}
