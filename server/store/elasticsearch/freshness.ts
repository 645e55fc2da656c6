import type { Requests } from './requests.ts'

/** Makes what was written visible to searches, on demand: one refresh serves all who wait for it. */
export class Freshness {
  readonly #requests: Requests
  #dirty = new Set<string>()
  #refreshing: { readonly indices: ReadonlySet<string>; readonly done: Promise<void> } | undefined

  constructor(requests: Requests) {
    this.#requests = requests
  }

  /** Lines were written to the index; to be called before they count as committed. */
  wrote(index: string): void {
    this.#dirty.add(index)
  }

  /** Resolves when all that was committed to these indices can be found. Throws what the request throws. */
  async see(indices: readonly string[]): Promise<void> {
    while (indices.some((index) => this.#dirty.has(index) || this.#refreshing?.indices.has(index))) {
      this.#refreshing ??= this.#refresh()
      await this.#refreshing.done
    }
  }

  forget(index: string): void {
    this.#dirty.delete(index)
  }

  #refresh(): { indices: ReadonlySet<string>; done: Promise<void> } {
    const indices = this.#dirty
    this.#dirty = new Set()
    return { indices, done: this.#send(indices) }
  }

  async #send(indices: ReadonlySet<string>): Promise<void> {
    try {
      const answer = await this.#requests.send<{ _shards?: { failed?: number } }>(
        'POST',
        `/${[...indices].join(',')}/_refresh`,
        { query: { ignore_unavailable: true } },
      )
      if ((answer._shards?.failed ?? 0) > 0) throw new Error('some shards could not be refreshed')
    } catch (error) {
      for (const index of indices) this.#dirty.add(index)
      throw error
    } finally {
      this.#refreshing = undefined
    }
  }
}
