import { failureOf, typeOf } from './failure.ts'
import { deadIndex, gapsIndex, linesIndex, metaIndex } from './mapping.ts'
import type { Names } from './names.ts'
import type { ElasticOptions } from './options.ts'
import type { Requests } from './requests.ts'

/** The day indices that this server knows of, and how they are made. */
export class Indices {
  readonly #requests: Requests
  readonly #names: Names
  readonly #options: ElasticOptions
  readonly #known = new Set<string>()

  constructor(requests: Requests, names: Names, options: ElasticOptions) {
    this.#requests = requests
    this.#names = names
    this.#options = options
  }

  /** Names of the indices of lines, oldest day first. */
  get lines(): string[] {
    return [...this.#known].filter((index) => this.#names.parse(index)?.kind !== 'dead').sort(compareDays(this.#names))
  }

  /** Names of the indices of lines whose time is out of all reason. */
  get odd(): string[] {
    return [...this.#known].filter((index) => this.#names.parse(index)?.kind === 'odd').sort()
  }

  has(index: string): boolean {
    return this.#known.has(index)
  }

  /** Makes the index, unless it is there: a bulk request would make one, too, but hide among its items why it cannot. */
  async ensure(index: string): Promise<void> {
    if (this.#known.has(index)) return
    const kind = this.#names.parse(index)?.kind
    const body = this.#bodyOf(index, kind)
    const aliases = kind === 'lines' || kind === 'odd' ? { [this.#names.alias]: {} } : {}
    await this.#create(index, { ...body, aliases }).catch((error: unknown) => {
      // To name an alias asks for more privileges than to get it from the template; nothing of ours needs it.
      if (failureOf(error) !== 'forbidden') throw error
      return this.#create(index, body)
    })
    if (kind !== undefined) this.#known.add(index)
  }

  #bodyOf(index: string, kind: 'lines' | 'odd' | 'dead' | undefined): object {
    if (index === this.#names.gaps) return gapsIndex(this.#options)
    if (kind === undefined) return metaIndex(this.#options)
    return kind === 'dead' ? deadIndex(this.#options) : linesIndex(this.#options)
  }

  async #create(index: string, body: object): Promise<void> {
    try {
      await this.#requests.send('PUT', `/${index}`, { body })
    } catch (error) {
      if (typeOf(error) !== 'resource_already_exists_exception') throw error
    }
  }

  /** Takes what the cluster has for what there is. */
  set(indices: readonly string[]): void {
    this.#known.clear()
    for (const index of indices) if (this.#names.parse(index) !== undefined) this.#known.add(index)
  }

  /** Takes what the cluster has on top of what is known. */
  add(indices: readonly string[]): void {
    for (const index of indices) if (this.#names.parse(index) !== undefined) this.#known.add(index)
  }

  forget(index: string): void {
    this.#known.delete(index)
  }
}

function compareDays(names: Names): (a: string, b: string) => number {
  const key = (index: string): string => `${names.parse(index)?.day}${names.parse(index)?.kind}`
  return (a, b) => (key(a) < key(b) ? -1 : 1)
}
