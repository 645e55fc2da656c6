import { hash } from 'node:crypto'
import { positionOf, type StoredRecord } from '../../shared/record.ts'
import { MAX_AHEAD } from '../query/cursor.ts'

/** So many are kept in mind; of more, those that are told last are told again. */
const MAX_KEPT = 4 * MAX_AHEAD

/** A line and its number in the order in which lines came. */
interface Numbered {
  readonly record: StoredRecord
  readonly index: number
}

/**
 * Lines that are told before others that came earlier: those of events that go on when the next ones have begun. A cursor stands before the first
 * line that was not told, and names them, so that a tail which goes on from it does not tell them again.
 */
export class Ahead {
  readonly #known: Set<bigint>
  #told: { readonly index: number; readonly digest: bigint }[] = []

  /** @param known what the cursor named from which the tail goes on. */
  constructor(known: readonly bigint[] = []) {
    this.#known = new Set(known)
  }

  /** Whether the line was told before the tail went on; each is asked about once. */
  wasTold(line: Numbered): boolean {
    if (this.#known.size === 0 || !this.#known.delete(digestOf(line.record))) return false
    this.add(line)
    return true
  }

  add({ record, index }: Numbered): void {
    if (this.#told.length < MAX_KEPT) this.#told.push({ index, digest: digestOf(record) })
  }

  /** No cursor will stand before this line any more. */
  forget(index: number): void {
    if (this.#told.length > 0) this.#told = this.#told.filter((line) => line.index > index)
  }

  /** What a cursor names that stands at this line. */
  behind(index: number): bigint[] {
    const behind = this.#told.filter((line) => line.index > index)
    return behind.slice(0, MAX_AHEAD).map(({ digest }) => digest)
  }
}

function digestOf(record: StoredRecord): bigint {
  const { time, nodeId, containerId, source, ordinal } = positionOf(record)
  const text = JSON.stringify([String(time), nodeId, containerId, source, ordinal])
  return hash('sha256', text, 'buffer').readBigUInt64LE(0)
}
