import type { Level } from '../../shared/record.ts'
import { FieldSet, type ParsedLine } from './fields.ts'
import { levelOfField } from './level.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d

const MAX_DEPTH = 8
/** Numbers of more characters may lose digits in a double: they are kept as text. */
const EXACT_DIGITS = 15
/** Nothing in a flat line is a number longer than this without being a mistake. */
const MAX_NUMBER = 1000

/** The text is not JSON, or it ends within the object. */
type Failure = 'invalid' | 'cut'

/**
 * Reads a line that is one JSON object into flat fields: nested objects to dotted names, arrays and what is nested deeper than 8
 * as JSON text, numbers with all their digits. One pass over the text, no recursion, no object is ever built of it.
 * Undefined when it is not JSON. With `isCut` the text is the beginning of a longer line: what is whole in it counts.
 */
export function parseJson(text: string, isCut: boolean): ParsedLine | undefined {
  const scan = new JsonScan(text)
  const failure = scan.run()
  if (failure === 'invalid' || (failure === 'cut' && !isCut)) return undefined
  return { level: scan.level, fields: scan.fields.text() }
}

class JsonScan {
  readonly #text: string
  #at = 0
  /** Dotted names of the objects around, each with its dot; as JSON text. */
  readonly #prefixes: string[] = []
  readonly fields = new FieldSet()
  level: Level = ''

  constructor(text: string) {
    this.#text = text
  }

  run(): Failure | undefined {
    this.#space()
    this.#at++
    this.#prefixes.push('')
    let isFirst = true
    while (this.#prefixes.length > 0) {
      const next = this.#space()
      if (next === CLOSE_OBJECT) {
        this.#at++
        this.#prefixes.pop()
        isFirst = false
        continue
      }
      if (!isFirst) {
        if (next !== COMMA) return this.#failure()
        this.#at++
      }
      const opened = this.#member()
      if (typeof opened === 'string') return opened
      isFirst = opened
    }
    return Number.isNaN(this.#space()) ? undefined : 'invalid'
  }

  /** Reads `"name": value`; true when the value is an object that was entered. */
  #member(): boolean | Failure {
    if (this.#space() !== QUOTE) return this.#failure()
    const key = this.#string()
    if (key === undefined) return this.#failure()
    if (this.#space() !== COLON) return this.#failure()
    this.#at++
    // One form for each name, so that it can be found in the text.
    const plain = key.includes('\\') ? JSON.stringify(JSON.parse(key)) : key
    const name = (this.#prefixes.at(-1) ?? '') + plain.slice(1, -1)
    const first = this.#space()
    if (first === OPEN_OBJECT && this.#prefixes.length < MAX_DEPTH) {
      this.#at++
      this.#prefixes.push(`${name}.`)
      return true
    }
    const json = this.#value(first)
    if (json === undefined) return this.#failure()
    this.fields.add(name, json)
    if (this.level === '') this.level = levelOfField(name, json.charCodeAt(0) === QUOTE ? json.slice(1, -1) : json)
    return false
  }

  #value(first: number): string | undefined {
    if (first === QUOTE) return this.#string()
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      const nested = this.#nested()
      return nested === undefined ? undefined : JSON.stringify(nested)
    }
    return this.#scalar()
  }

  /** Steps over white space; the code of what follows, NaN at the end. */
  #space(): number {
    let code = this.#text.charCodeAt(this.#at)
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = this.#text.charCodeAt(++this.#at)
    return code
  }

  /** A string with its quotes, as it stands in the text. */
  #string(): string | undefined {
    const text = this.#text
    const start = this.#at
    for (let at = start + 1; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) {
        this.#at = at + 1
        return text.slice(start, at + 1)
      }
      if (code < 0x20) return undefined
      if (code === BACKSLASH) {
        const length = escapeLength(text, at)
        if (length === 0) {
          // An escape that the end of the text cuts off is no error of the line.
          if (at + 6 > text.length) this.#at = text.length
          return undefined
        }
        at += length - 1
      }
    }
    this.#at = text.length
    return undefined
  }

  #scalar(): string | undefined {
    const text = this.#text
    const start = this.#at
    let end = start
    while (end < text.length && end - start < MAX_NUMBER && isScalar(text.charCodeAt(end))) end++
    // At the end of the text more of it may be missing.
    if (end === text.length) this.#at = end
    if (end === text.length || end === start) return undefined
    const scalar = text.slice(start, end)
    this.#at = end
    if (scalar === 'true' || scalar === 'false' || scalar === 'null') return scalar
    if (!/^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/.test(scalar)) {
      this.#at = start
      return undefined
    }
    return scalar.length <= EXACT_DIGITS && Number.isFinite(Number(scalar)) ? scalar : `"${scalar}"`
  }

  /** An array, or an object too deep to be flattened, as it stands in the text. */
  #nested(): string | undefined {
    const text = this.#text
    const start = this.#at
    const closers: number[] = []
    while (this.#at < text.length) {
      const code = text.charCodeAt(this.#at)
      if (code === QUOTE) {
        if (this.#string() === undefined) return undefined
        continue
      }
      this.#at++
      if (code === OPEN_ARRAY) closers.push(CLOSE_ARRAY)
      else if (code === OPEN_OBJECT) closers.push(CLOSE_OBJECT)
      else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) {
        if (closers.pop() !== code) return undefined
        if (closers.length === 0) return text.slice(start, this.#at)
      } else if (code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) return undefined
    }
    return undefined
  }

  /** What went wrong: the text ended, or it is not JSON. */
  #failure(): Failure {
    return this.#at >= this.#text.length ? 'cut' : 'invalid'
  }
}

function isScalar(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x61 && code <= 0x7a) ||
    code === 0x2d ||
    code === 0x2b ||
    code === 0x2e ||
    code === 0x45
  )
}

/** Length of the escape sequence at a backslash; 0 when it is none. */
function escapeLength(text: string, at: number): number {
  const escaped = text.charCodeAt(at + 1)
  if (escaped !== 0x75) return '"\\/bfnrt'.includes(text[at + 1] ?? '\0') ? 2 : 0
  for (let digit = at + 2; digit < at + 6; digit++) if (!isHex(text.charCodeAt(digit))) return 0
  return 6
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66)
}
