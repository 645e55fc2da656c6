import type { LogRecord } from '../../../shared/record.ts'
import type { Appended } from '../store.ts'
import { unavailable } from '../unavailable.ts'

/** One commit takes so much at most; what waits longer is in the next one. */
const MAX_COMMIT_RECORDS = 5_000
const MAX_COMMIT_BYTES = 4 * 2 ** 20
/** Calls and bytes that may wait; beyond, calls are refused and the senders try again later. */
const MAX_WAITING = 4096
const MAX_WAITING_BYTES = 32 * 2 ** 20

/** A call of `append` that waits for its answer. */
export interface Call {
  readonly records: readonly LogRecord[]
  readonly bytes: number
  /** How many of them are older than lines of their service are kept: they are left out. */
  expired: number
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: unknown) => void
}

/** The calls that wait for a commit, in the order in which they came. */
export class Calls {
  #waiting: Call[] = []
  #bytes = 0

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Throws SWARMLOGS_STORE_UNAVAILABLE when too many wait. */
  add(call: Omit<Call, 'bytes' | 'expired'>): void {
    const isFull = this.#waiting.length >= MAX_WAITING || this.#bytes > MAX_WAITING_BYTES
    if (isFull) throw unavailable('store now: too many appends wait, try again later')
    let bytes = 0
    for (const { message, fields } of call.records) bytes += message.length + fields.length
    this.#bytes += bytes
    this.#waiting.push({ ...call, bytes, expired: 0 })
  }

  /** Those of the next commit. */
  take(): Call[] {
    let records = 0
    let bytes = 0
    let count = 0
    for (const call of this.#waiting) {
      records += call.records.length
      bytes += call.bytes
      if (count > 0 && (records > MAX_COMMIT_RECORDS || bytes > MAX_COMMIT_BYTES)) break
      count++
    }
    const calls = this.#waiting.splice(0, count)
    for (const call of calls) this.#bytes -= call.bytes
    return calls
  }
}
