import type { Value } from './reader.ts'
import { Refusal } from './refusal.ts'

/** A decoded map. */
type Fields = ReadonlyMap<string, Value>

/** Takes a decoded map apart. Each call throws a Refusal where what is there is not what is asked for. */
export class FieldsReader {
  readonly #what: string
  readonly #fields: Fields

  /** `what` is named in errors: `an inventory`. */
  constructor(what: string, value: Value | undefined) {
    this.#what = what
    this.#fields = value instanceof Map ? value : this.#unfit('a map')
  }

  /** Whether there is anything of this name. */
  has(name: string): boolean {
    return this.#fields.has(name)
  }

  text(name: string): string {
    const value = this.#fields.get(name)
    return typeof value === 'string' ? value : this.#unfit(name)
  }

  /** Undefined where it is not there: agents of other versions may leave it out. */
  optionalText(name: string): string | undefined {
    return this.#fields.has(name) ? this.text(name) : undefined
  }

  number(name: string): number {
    const value = this.#fields.get(name)
    return typeof value === 'number' ? value : this.#unfit(name)
  }

  /** A whole number that is not negative. */
  count(name: string): number {
    const value = this.number(name)
    return Number.isSafeInteger(value) && value >= 0 ? value : this.#unfit(name)
  }

  flag(name: string): boolean {
    const value = this.#fields.get(name)
    return typeof value === 'boolean' ? value : this.#unfit(name)
  }

  /** A map within. */
  map(name: string): FieldsReader {
    return new FieldsReader(this.#what, this.#fields.get(name))
  }

  /** The elements of an array, of which there may be so many. */
  list(name: string, max = Number.POSITIVE_INFINITY): readonly Value[] {
    const value = this.#fields.get(name)
    return Array.isArray(value) && value.length <= max ? value : this.#unfit(name)
  }

  /** The maps of an array. */
  maps(name: string, max?: number): readonly FieldsReader[] {
    return this.list(name, max).map((value) => new FieldsReader(this.#what, value))
  }

  oneOf<T extends string>(name: string, names: readonly T[]): T {
    const value = this.#fields.get(name)
    return names.find((known) => known === value) ?? this.#unfit(name)
  }

  /** Nanoseconds since 1970 as decimal text; '' is none. */
  time(name: string): string {
    const text = this.text(name)
    return /^\d{0,19}$/.test(text) ? text : this.#unfit(name)
  }

  #unfit(name: string): never {
    const message = `cannot read ${this.#what}: ${name} is missing or odd; check that agent and server fit together`
    throw new Refusal('entry', message)
  }
}
