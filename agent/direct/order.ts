import type { DirectLine } from '../../shared/direct.ts'
import { comparePositions } from '../../shared/record.ts'

/** Docker writes lines of stdout and stderr that come together in any order: so many are held back to be put in that of their times. */
const HELD = 1_024
const BATCH = 1_000

/** Compares lines as the store orders them. */
export function compareLines(a: DirectLine, b: DirectLine): number {
  return comparePositions(positionOf(a), positionOf(b))
}

/** Merges logs into the order of the store. Each must be about in order itself; all are read at once, a batch ahead. */
export async function* inOrder(logs: readonly AsyncIterable<DirectLine[]>[]): AsyncGenerator<DirectLine[], void> {
  const heads = logs.map((log) => new Head(log))
  await Promise.all(heads.map((head) => head.fill()))
  let live = heads.filter(({ line }) => line !== undefined)
  let batch: DirectLine[] = []
  while (live.length > 0) {
    const [first, second] = leastTwo(live)
    if (first === undefined) break
    // As long as no other has an older one, its lines need not be compared with all.
    while (first.line !== undefined && (second?.line === undefined || compareLines(first.line, second.line) <= 0)) {
      batch.push(first.line)
      if (first.next()) continue
      yield batch
      batch = []
      await first.fill()
    }
    if (first.line === undefined) live = live.filter((head) => head !== first)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

function leastTwo(heads: readonly Head[]): [first: Head | undefined, second: Head | undefined] {
  let first: Head | undefined
  let second: Head | undefined
  for (const head of heads) {
    if (first === undefined || isBefore(head, first)) [first, second] = [head, first]
    else if (second === undefined || isBefore(head, second)) second = head
  }
  return [first, second]
}

function isBefore({ line: a }: Head, { line: b }: Head): boolean {
  return a !== undefined && b !== undefined && compareLines(a, b) < 0
}

/** The next line of one log. */
class Head {
  readonly #batches: AsyncIterator<DirectLine[]>
  #lines: DirectLine[] = []
  #at = 0

  constructor(log: AsyncIterable<DirectLine[]>) {
    this.#batches = sorted(log)[Symbol.asyncIterator]()
  }

  get line(): DirectLine | undefined {
    return this.#lines[this.#at]
  }

  /** Goes on to the next line; false when that is still to be read. */
  next(): boolean {
    return ++this.#at < this.#lines.length
  }

  async fill(): Promise<void> {
    const next = await this.#batches.next()
    this.#lines = next.done ? [] : next.value
    this.#at = 0
  }
}

async function* sorted(log: AsyncIterable<DirectLine[]>): AsyncGenerator<DirectLine[], void> {
  let held: DirectLine[] = []
  for await (const batch of log) {
    held.push(...batch)
    if (held.length <= HELD) continue
    held.sort(compareLines)
    yield held.slice(0, -HELD)
    held = held.slice(-HELD)
  }
  if (held.length > 0) yield held.sort(compareLines)
}

function positionOf({ stream, time, source, ordinal }: DirectLine) {
  return { time, nodeId: stream.nodeId, containerId: stream.containerId, source, ordinal }
}
