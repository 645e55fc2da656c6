import type { DirectLine } from '../../shared/direct.ts'
import { Slots } from '../tail/slots.ts'
import { compareLines } from './order.ts'

/** So many logs are read at once at most. */
const AT_ONCE = 16
/** A log's lines are thinned out each time so many more are there than are wanted. */
const SPARE_LINES = 1_000

/** How many of the newest lines are wanted: of each log, or of all together. */
export interface Newest {
  readonly count: number
  readonly perLog: boolean
}

/** The newest lines of logs, in order; never more of them in memory than it takes. */
export async function newestLines(
  logs: readonly (() => AsyncIterable<readonly DirectLine[]>)[],
  { count, perLog }: Newest,
  signal: AbortSignal,
): Promise<DirectLine[]> {
  const slots = new Slots(AT_ONCE)
  let all: DirectLine[] = []
  const read = async (log: () => AsyncIterable<readonly DirectLine[]>): Promise<void> => {
    const release = await slots.acquire(signal)
    try {
      const lines = await newestOf(log(), count)
      all = [...all, ...lines].sort(compareLines)
      if (!perLog) all = lastOf(all, count)
    } finally {
      release()
    }
  }
  await Promise.all(logs.map(read))
  return all
}

async function newestOf(log: AsyncIterable<readonly DirectLine[]>, count: number): Promise<DirectLine[]> {
  let newest: DirectLine[] = []
  for await (const batch of log) {
    newest.push(...batch)
    if (newest.length > 2 * count + SPARE_LINES) newest = lastOf(newest.sort(compareLines), count)
  }
  return lastOf(newest.sort(compareLines), count)
}

function lastOf(lines: DirectLine[], count: number): DirectLine[] {
  return count === 0 ? [] : lines.slice(-count)
}
