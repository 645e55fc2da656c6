import type { StoredRecord } from '../../../shared/record.ts'
import { compareRecords } from './order.ts'

/** Batches of records in order. */
export type Walk = AsyncIterable<readonly StoredRecord[]>

/** A side of the merge: what was read of it and is not given on yet, and the walk that it comes from. */
class Side {
  readonly #walk: AsyncIterator<readonly StoredRecord[]>
  #batch: readonly StoredRecord[] = []
  #at = 0
  #isOver = false

  constructor(walk: Walk) {
    this.#walk = walk[Symbol.asyncIterator]()
  }

  /** Its next record; undefined before `fill`, and at its end. */
  get head(): StoredRecord | undefined {
    return this.#batch[this.#at]
  }

  /** The last record of what was read. */
  get last(): StoredRecord | undefined {
    return this.#batch.at(-1)
  }

  /** Reads on when nothing is left of what was read. */
  async fill(): Promise<void> {
    while (this.head === undefined && !this.#isOver) {
      const next = await this.#walk.next()
      this.#isOver = next.done === true
      this.#batch = next.done === true ? [] : next.value
      this.#at = 0
    }
  }

  take(): readonly StoredRecord[] {
    const rest = this.#at === 0 ? this.#batch : this.#batch.slice(this.#at)
    this.#at = this.#batch.length
    return rest
  }

  skip(): void {
    this.#at++
  }

  async close(): Promise<void> {
    await this.#walk.return?.()
  }
}

/**
 * Two walks as one. What both have, as a day has that is just moving from one to the other, comes once. The second is opened when it can have
 * the next record: at once, or where the first comes to what is not `isBefore` all of it.
 */
export async function* merge(
  first: Walk,
  openSecond: () => Walk,
  order: 'asc' | 'desc',
  isBefore: (record: StoredRecord) => boolean,
): AsyncGenerator<readonly StoredRecord[]> {
  const sign = order === 'asc' ? 1 : -1
  const left = new Side(first)
  let right: Side | undefined
  try {
    for (;;) {
      await left.fill()
      if (right === undefined) {
        if (left.last !== undefined && isBefore(left.last)) {
          yield left.take()
          continue
        }
        right = new Side(openSecond())
      }
      await right.fill()
      if (left.head === undefined && right.head === undefined) return
      yield nextOf(left, right, sign)
    }
  } finally {
    await Promise.all([left.close(), right?.close()])
  }
}

/** All that is known to come next: up to where one of the sides must be read on. */
function nextOf(left: Side, right: Side, sign: number): readonly StoredRecord[] {
  const compare = (a: StoredRecord, b: StoredRecord): number => sign * compareRecords(a, b)
  if (left.head === undefined) return right.take()
  if (right.head === undefined || (left.last !== undefined && compare(left.last, right.head) < 0)) return left.take()
  if (right.last !== undefined && compare(right.last, left.head) < 0) return right.take()
  const batch: StoredRecord[] = []
  for (;;) {
    const [a, b]: (StoredRecord | undefined)[] = [left.head, right.head]
    if (a === undefined || b === undefined) return batch
    const difference = compare(a, b)
    batch.push(difference <= 0 ? a : b)
    if (difference <= 0) left.skip()
    if (difference >= 0) right.skip()
  }
}

/** The beginning of a walk. */
export async function* limited(walk: Walk, limit = Number.POSITIVE_INFINITY): AsyncGenerator<readonly StoredRecord[]> {
  let left = limit
  if (left <= 0) return
  for await (const batch of walk) {
    if (batch.length > 0) yield batch.length > left ? batch.slice(0, left) : batch
    left -= batch.length
    if (left <= 0) return
  }
}
