import { failureOf, typeOf } from './failure.ts'
import { deadIndex, gapsIndex, linesIndex, metaIndex } from './mapping.ts'
import type { Names, ParsedName } from './names.ts'
import type { ElasticOptions } from './options.ts'
import type { Requests } from './requests.ts'

/** The day indices that this server knows of, and how they are made. */
export class Indices {
  readonly #requests: Requests
  readonly #names: Names
  readonly #options: ElasticOptions
  readonly #known = new Set<string>()
  /** Those whose lines are in the archive. */
  readonly #hidden = new Set<string>()
  /** By day, where its lines go now that its own index takes none any more. */
  readonly #late = new Map<string, string>()

  constructor(requests: Requests, names: Names, options: ElasticOptions) {
    this.#requests = requests
    this.#names = names
    this.#options = options
  }

  /** Names of the indices of lines, oldest day first. */
  get lines(): string[] {
    return [...this.#known]
      .filter((index) => this.#names.parse(index)?.kind !== 'dead' && !this.#hidden.has(index))
      .sort(compareDays(this.#names))
  }

  /** Names of the indices of lines whose time is out of all reason. */
  get odd(): string[] {
    return [...this.#known].filter((index) => this.#names.parse(index)?.kind === 'odd').sort()
  }

  /** Those of the lines of a day, but for odd times; hidden ones among them. */
  ofDay(day: string): string[] {
    return [...this.#known].filter((index) => {
      const parsed = this.#names.parse(index)
      return parsed?.day === day && (parsed.kind === 'lines' || parsed.kind === 'late')
    })
  }

  /** Where new lines of a day go. */
  target(day: string): string {
    return this.#late.get(day) ?? this.#names.lines(day, false)
  }

  /** From now on new lines of the day go to an index of their own, which none of those is that there are. */
  close(day: string): void {
    const numbers = [this.target(day), ...this.ofDay(day)].map((index) => this.#names.parse(index)?.number ?? 0)
    this.#late.set(day, this.#names.late(day, Math.max(...numbers) + 1))
  }

  /** Indices that no search looks at: their lines are in the archive, and they are about to be deleted. */
  get hidden(): readonly string[] {
    return [...this.#hidden]
  }

  hide(index: string): void {
    this.#hidden.add(index)
  }

  isHidden(index: string): boolean {
    return this.#hidden.has(index)
  }

  has(index: string): boolean {
    return this.#known.has(index)
  }

  /** Makes the index, unless it is there: a bulk request would make one, too, but hide among its items why it cannot. */
  async ensure(index: string): Promise<void> {
    if (this.#known.has(index)) return
    const kind = this.#names.parse(index)?.kind
    const body = this.#bodyOf(index, kind)
    const aliases = kind === undefined || kind === 'dead' ? {} : { [this.#names.alias]: {} }
    await this.#create(index, { ...body, aliases }).catch((error: unknown) => {
      // To name an alias asks for more privileges than to get it from the template; nothing of ours needs it.
      if (failureOf(error) !== 'forbidden') throw error
      return this.#create(index, body)
    })
    if (kind !== undefined) this.#known.add(index)
  }

  #bodyOf(index: string, kind: ParsedName['kind'] | undefined): object {
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
    this.#hidden.delete(index)
  }
}

function compareDays(names: Names): (a: string, b: string) => number {
  const key = (index: string): string => `${names.parse(index)?.day}${names.parse(index)?.kind}`
  return (a, b) => (key(a) < key(b) ? -1 : 1)
}
