import { RECORDS_TAG } from '../../../shared/forward/own.ts'
import { wholeMessages } from './messages.ts'
import type { Network } from './network.ts'

/** Watches how long chunks of lines wait for their acks, from the moment when they are whole in the network. It must be there before the agent connects. */
export class AckTimes {
  /** When each chunk went up that has no ack yet. */
  readonly #sent = new Map<string, number>()
  #waitedMs: number[] = []

  constructor(network: Network) {
    const [up, down] = [wholeMessages(), wholeMessages()]
    network.up = (bytes, link) => {
      for (const { value } of up(bytes, link)) this.#onFrame(value)
      return [bytes]
    }
    network.down = (bytes, link) => {
      for (const { value } of down(bytes, link)) this.#onAck(value)
      return [bytes]
    }
  }

  /** How many acks came. */
  get count(): number {
    return this.#waitedMs.length
  }

  /** What 99 of 100 chunks waited for at most, ms; those that still wait count with the time that they have waited for. */
  get p99Ms(): number {
    const waiting = [...this.#sent.values()].map((at) => performance.now() - at)
    const all = [...this.#waitedMs, ...waiting].sort((a, b) => a - b)
    return Math.round(all[Math.ceil(all.length * 0.99) - 1] ?? Number.POSITIVE_INFINITY)
  }

  /** Begins anew. */
  forget(): void {
    this.#waitedMs = []
  }

  #onFrame(message: unknown): void {
    const [tag, , option] = Array.isArray(message) ? message : []
    if (tag === RECORDS_TAG) this.#sent.set(String(option.chunk), performance.now())
  }

  #onAck(message: unknown): void {
    const id = String(Object(message).ack)
    const sent = this.#sent.get(id)
    if (sent === undefined) return
    this.#sent.delete(id)
    this.#waitedMs.push(performance.now() - sent)
  }
}
