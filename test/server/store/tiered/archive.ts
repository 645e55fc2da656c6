import type { ArchiveReader } from '../../../../server/store/tiered/archive-reader.ts'
import type { LogRecord } from '../../../../shared/record.ts'
import { type MemoryData, MemoryStore } from '../memory.ts'

/** An archive in memory. */
export class MemoryArchive extends MemoryStore implements ArchiveReader {
  readonly #data: MemoryData

  constructor(data: MemoryData) {
    super(data)
    this.#data = data
  }

  get range(): ArchiveReader['range'] {
    const [first, last] = [this.#data.records[0], this.#data.records.at(-1)]
    return first === undefined || last === undefined ? undefined : { first: first.time, last: last.time }
  }

  async knownByChunk(_records: readonly LogRecord[]): Promise<ReadonlySet<LogRecord>> {
    return new Set()
  }

  lost(): readonly [] {
    return []
  }

  mayHold(_time: bigint): boolean {
    return true
  }
}
