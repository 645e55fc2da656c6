import { positionOf, type StoredRecord } from '../shared/record.ts'

/** Records of one tail that are remembered; beyond, commits that come late are left out of it. */
const MAX_RECORDS = 50_000

/**
 * What a tail read from the store while some commits were in doubt (their server was out of reach): when one of these is announced
 * late, the tail must know whether it has read it.
 */
export class DoubtfulReads {
  #upTo = 0n
  /** Reads have whole commits up to this only. */
  #after: bigint | undefined
  #seen = new Set<string>()

  /** A read of all that was committed up to `upTo` begins. */
  begin(upTo: bigint, doubtAfter: bigint | undefined): void {
    if (upTo > this.#upTo) this.#upTo = upTo
    if (doubtAfter !== undefined && (this.#after === undefined || doubtAfter < this.#after)) this.#after = doubtAfter
  }

  /** These were read. */
  add(records: readonly StoredRecord[]): void {
    if (this.#after === undefined) return
    for (const record of records) {
      if (this.#seen.size > MAX_RECORDS) return
      if (record.received > this.#after) this.#seen.add(keyOf(record))
    }
  }

  /** Whether a record that is announced late was read; when that cannot be told it counts as read. */
  hasRead(record: StoredRecord): boolean {
    if (record.received > this.#upTo) return false
    const isTold = this.#after !== undefined && record.received > this.#after && this.#seen.size <= MAX_RECORDS
    return !isTold || this.#seen.has(keyOf(record))
  }
}

function keyOf(record: StoredRecord): string {
  const { time, nodeId, containerId, source, ordinal } = positionOf(record)
  return `${time}\0${nodeId}\0${containerId}\0${source}\0${ordinal}`
}
