import { setTimeout as delay } from 'node:timers/promises'
import type { Gap } from '../../../shared/gap.ts'
import type { LogRecord } from '../../../shared/record.ts'
import type { Account } from './budget.ts'
import type { ForwardContext } from './context.ts'
import { BATCH_BYTES, BATCH_RECORDS, GAP_BYTES, RECORD_OVERHEAD_BYTES, RETRY_MS } from './limits.ts'
import type { Ack, Outbox } from './outbox.ts'
import { Refusal } from './refusal.ts'

/**
 * Gathers the records of one connection into batches for the store. The frames that one read brought share a batch, so that many
 * small frames are one append; frames that are acked and frames that are not do not share one, as they differ in what a failure means.
 */
export class Shipping {
  readonly #context: ForwardContext
  readonly #address: string
  readonly #account: Account
  readonly #outbox: Outbox
  #records: LogRecord[] = []
  #gaps: Gap[] = []
  #acks: Ack[] = []
  #heldBytes = 0
  #isAcked = false

  constructor(context: ForwardContext, address: string, account: Account, outbox: Outbox) {
    this.#context = context
    this.#address = address
    this.#account = account
    this.#outbox = outbox
  }

  /** Begins a frame; acked frames are sent again by their sender when they fail, the others by nobody. */
  begin(isAcked: boolean): void {
    if (isAcked !== this.#isAcked) this.flush()
    this.#isAcked = isAcked
  }

  /** Adds records of the frame; waits for memory, and for the store when too much is on its way there. */
  async add(records: LogRecord[]): Promise<void> {
    if (records.length === 0) return
    const bytes = sizeOf(records)
    await this.#account.take(bytes)
    this.#heldBytes += bytes
    if (this.#records.length === 0) this.#records = records
    else for (const record of records) this.#records.push(record)
    if (this.#records.length < BATCH_RECORDS && this.#heldBytes < BATCH_BYTES) return
    // The store knows how far it has a chunk, so the parts of one must not overtake each other, nor go on behind one that failed.
    const isStored = await this.#ship()
    if (!isStored) throw new Refusal('store', 'cannot store the rest of a frame whose beginning could not be stored')
  }

  /** Adds gaps of the frame; waits for memory. */
  async addGaps(gaps: readonly Gap[]): Promise<void> {
    if (gaps.length === 0) return
    const bytes = GAP_BYTES * gaps.length
    await this.#account.take(bytes)
    this.#heldBytes += bytes
    this.#gaps.push(...gaps)
  }

  /** Ships records that belong to no frame, at any time. */
  shipApart(records: LogRecord[]): void {
    this.#outbox.submit({ stored: this.#store(records, [], false), acks: [], bytes: 0 })
  }

  ack(ack: Ack): void {
    this.#acks.push(ack)
  }

  /** Hands what was gathered to the store. */
  flush(): void {
    void this.#ship()
  }

  /** Ships something else than records, in its place among them. */
  ship(stored: Promise<void>, acks: readonly Buffer[]): void {
    this.flush()
    const isStored = stored.then(
      () => true,
      (error) => this.#failed(error),
    )
    this.#outbox.submit({ stored: isStored, acks, bytes: 0 })
  }

  /** Does something when all that came before is stored. */
  shipBehind(onStored: () => void, acks: readonly Buffer[]): void {
    this.flush()
    this.#outbox.submit({ stored: Promise.resolve(true), acks, bytes: 0, onStored })
  }

  #ship(): Promise<boolean> {
    const [records, gaps, acks, bytes] = [this.#records, this.#gaps, this.#acks, this.#heldBytes]
    if (records.length === 0 && gaps.length === 0 && acks.length === 0) return Promise.resolve(true)
    this.#records = []
    this.#gaps = []
    this.#acks = []
    this.#heldBytes = 0
    const stored = this.#store(records, gaps, this.#isAcked).finally(() => this.#account.give(bytes))
    this.#outbox.submit({ stored, acks, bytes })
    return stored
  }

  /** Stores records; those that nobody would send again are held, and tried again, until the listener closes. */
  async #store(records: LogRecord[], gaps: readonly Gap[], isAcked: boolean): Promise<boolean> {
    const { ingest, metrics, signal } = this.#context
    if (records.length === 0 && gaps.length === 0) return true
    for (;;) {
      try {
        await ingest.records(records, gaps)
        metrics.records(records.length)
        return true
      } catch (error) {
        this.#failed(error)
        if (isAcked) return false
      }
      if (!(await waited(RETRY_MS, signal))) break
    }
    metrics.rejected('store', records.length)
    return false
  }

  #failed(error: unknown): false {
    const detail = error instanceof Error ? error.message : String(error)
    this.#context.metrics.rejected('store', 1)
    this.#context.complaints.complain(this.#address, 'store', detail)
    return false
  }
}

function sizeOf(records: readonly LogRecord[]): number {
  let bytes = RECORD_OVERHEAD_BYTES * records.length
  for (const { message, fields } of records) bytes += message.length + fields.length
  return bytes
}

/** Waits; false when the signal aborted. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal, ref: false })
    return true
  } catch {
    return false
  }
}
