import type { StoreIdentity } from '../store.ts'
import type { Notes } from './notes.ts'

/**
 * Who the store is: the cluster's UUID, and an epoch that counts up when lines were lost, upon which agents send again what Docker still holds.
 * It is noted in the cluster, so that all servers say the same.
 */
export class Identity implements StoreIdentity {
  readonly id: string
  readonly #notes: Notes
  #epoch = 0

  constructor(id: string, notes: Notes) {
    this.id = id
    this.#notes = notes
  }

  /** Counted in seconds since 1970, so that it is greater when the notes themselves were lost. */
  get epoch(): number {
    return this.#epoch
  }

  /** Takes the epoch that is noted, which another server may have raised; notes one when there is none. */
  async learn(): Promise<void> {
    await this.#notes.create('identity', 'store', String(this.#next()))
    this.#epoch = Math.max(this.#epoch, await this.#noted())
  }

  /** Lines were lost: raises the epoch, unless another server has done so. */
  async raise(): Promise<void> {
    const noted = await this.#noted()
    const epoch = noted > this.#epoch ? noted : this.#next()
    if (epoch !== noted) await this.#notes.write('identity', 'store', String(epoch))
    this.#epoch = epoch
  }

  #next(): number {
    return Math.max(this.#epoch + 1, Math.floor(Date.now() / 1000))
  }

  async #noted(): Promise<number> {
    return Number(await this.#notes.read('identity', 'store'))
  }
}
