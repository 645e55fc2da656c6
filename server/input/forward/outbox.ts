import type { Writable } from 'node:stream'
import { ACK_BACKLOG_BYTES, UNACKED_BATCHES, UNACKED_BYTES } from './limits.ts'

/** Written as it is, or as it is made when all before it is stored. */
export type Ack = Buffer | (() => Buffer)

/** Records on their way to the store, and what is owed to the sender when they are there. */
export interface Shipment {
  /** Must resolve to whether the records are stored; must not reject. */
  readonly stored: Promise<boolean>
  /** One write each, in this order. */
  readonly acks: readonly Ack[]
  readonly bytes: number
  /** Called when all is stored up to here; not when something is not. */
  readonly onStored?: () => void
}

/** Writes the acks of one connection in the order of its frames, each only when its records and all before them are stored. */
export class Outbox {
  readonly #socket: Writable
  readonly #onFailure: () => void
  #tail: Promise<void> = Promise.resolve()
  #shipments = 0
  #bytes = 0
  #isBroken = false
  #isMuted = false
  #wake: (() => void) | undefined

  /** @param onFailure called when records could not be stored: they and all behind them are then never acked. */
  constructor(socket: Writable, onFailure: () => void) {
    this.#socket = socket
    this.#onFailure = onFailure
  }

  get isFull(): boolean {
    return this.#shipments >= UNACKED_BATCHES || this.#bytes >= UNACKED_BYTES
  }

  submit(shipment: Shipment): void {
    this.#shipments++
    this.#bytes += shipment.bytes
    this.#tail = this.#tail.then(async () => {
      const isStored = await shipment.stored
      this.#shipments--
      this.#bytes -= shipment.bytes
      if (!isStored) this.#break()
      else if (!this.#isBroken) {
        shipment.onStored?.()
        for (const ack of shipment.acks) this.#write(typeof ack === 'function' ? ack() : ack)
      }
      this.#wake?.()
    })
  }

  /** Resolves when another shipment may be submitted; at most one caller may wait. */
  async room(): Promise<void> {
    while (this.isFull && !this.#isBroken) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Resolves when everything submitted is settled. */
  async settled(): Promise<void> {
    await this.#tail
  }

  /** Acks nothing more and waits for nothing. */
  abandon(): void {
    this.#isBroken = true
    this.#wake?.()
  }

  #break(): void {
    if (this.#isBroken) return
    this.#isBroken = true
    this.#onFailure()
  }

  /**
   * A sender that never reads must cost no memory; one that asked for acks by accident must not be cut off for it (fluent-logger does,
   * and then pauses for ten minutes). So acks beyond the backlog are dropped: who waits for one sends again, and is stored once.
   */
  #write(ack: Buffer): void {
    if (this.#isMuted || this.#socket.destroyed || !this.#socket.writable) return
    this.#socket.write(ack)
    if (this.#socket.writableLength <= ACK_BACKLOG_BYTES) return
    this.#isMuted = true
    this.#socket.once('drain', () => {
      this.#isMuted = false
    })
  }
}
