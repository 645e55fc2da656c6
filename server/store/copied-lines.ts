import { hash } from 'node:crypto'
import { type LogRecord, positionOf, type StoredRecord } from '../../shared/record.ts'
import { FOREIGN_ORDINALS } from './store.ts'

/**
 * Makes the lines of one store into lines that another one takes once, in total order and from the beginning of a time. Own lines are known
 * as ever; the chunk of a foreign one is not stored: it becomes one of a chunk of its own container, source and time.
 */
export class CopiedLines {
  readonly #storeId: string
  #place = ''
  #chunk = ''
  #next = 0

  /** @param storeId where the lines come from: lines of two stores with equal places are different ones. */
  constructor(storeId: string) {
    this.#storeId = storeId
  }

  lineOf(record: StoredRecord): LogRecord {
    const { received: _, ...line } = record
    return record.ordinal < FOREIGN_ORDINALS ? line : { ...line, ...this.#identity(record) }
  }

  #identity(record: StoredRecord): Pick<LogRecord, 'chunk' | 'ordinal'> {
    const { nodeId, containerId, source, time } = positionOf(record)
    const place = [this.#storeId, nodeId, containerId, source, time].join('\0')
    if (place !== this.#place) {
      this.#place = place
      this.#chunk = `copy:${hash('sha256', place, 'base64url').slice(0, 22)}`
      this.#next = 0
    }
    return { chunk: this.#chunk, ordinal: this.#next++ }
  }
}
