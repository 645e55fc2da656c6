import type { Level } from '../../shared/record.ts'

const MAX_FIELDS = 200
const MAX_LENGTH = 64 * 1024

/** What a line is found to say. */
export interface ParsedLine {
  readonly level: Level
  /** A flat JSON object of dotted names, as text; '' when there are none. */
  readonly fields: string
}

/** Fields on their way to JSON text: at most 200 and 64 Ki characters; a name that comes again replaces the value. */
export class FieldSet {
  readonly #values = new Map<string, string>()
  #length = 0

  get size(): number {
    return this.#values.size
  }

  /** Characters of all that was added. */
  get length(): number {
    return this.#length
  }

  /** Adds a field, both parts as JSON text (the name without its quotes). What does not fit is left out. */
  add(name: string, json: string): void {
    const length = name.length + json.length + 4
    if (this.#length + length > MAX_LENGTH) return
    if (this.#values.size >= MAX_FIELDS && !this.#values.has(name)) return
    this.#length += length
    this.#values.set(name, json)
  }

  /** Adds a field whose name needs no escapes, with a value of plain text. */
  addText(name: string, text: string): void {
    this.add(name, JSON.stringify(text))
  }

  /** The JSON object, '' when it would be empty. */
  text(): string {
    let text = ''
    for (const [name, json] of this.#values) text += `${text === '' ? '{' : ','}"${name}":${json}`
    return text === '' ? '' : `${text}}`
  }
}
