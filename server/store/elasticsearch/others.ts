import type { Indices } from './indices.ts'
import type { Names } from './names.ts'
import type { Requests } from './requests.ts'
import type { Watch } from './watch.ts'

/** What it takes to see what other servers did. */
export interface OthersParts {
  readonly requests: Requests
  readonly names: Names
  readonly indices: Indices
  readonly watch: Watch
}

/** Makes what other servers committed visible to the searches of this one: their lines, and the days and streams that are new with them. */
export class Others {
  readonly #parts: OthersParts
  #observed = 0n
  #visible = 0n
  #looking: Promise<void> | undefined

  constructor(parts: OthersParts) {
    this.#parts = parts
  }

  /** The newest commit of another server that this one was told of. */
  get observed(): bigint {
    return this.#observed
  }

  /** Other servers have committed up to this. */
  observe(received: bigint): void {
    if (received > this.#observed) this.#observed = received
  }

  /** Resolves when all that was observed until now can be found. Throws what the requests throw. */
  async see(): Promise<void> {
    const wanted = this.#observed
    while (this.#visible < wanted) {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined
      })
      await this.#looking
    }
  }

  async #look(): Promise<void> {
    const upTo = this.#observed
    const { requests, names, indices, watch } = this.#parts
    await requests.send('POST', `/${names.all}/_refresh`, { query: { ignore_unavailable: true } })
    await watch.learnStreams()
    const { indices: found } = await requests.send<{ indices: readonly { readonly name: string }[] }>(
      'GET',
      `/_resolve/index/${names.all}`,
    )
    indices.add(found.map(({ name }) => name))
    this.#visible = upTo
  }
}
