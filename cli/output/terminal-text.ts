import { StringDecoder } from 'node:string_decoder'
import { inColourOf, serviceOf } from './colour.ts'
import { type Colours, harmless } from './harmless.ts'
import { marked } from './marked.ts'
import type { Matching } from './matching.ts'
import { tintOf } from './tint.ts'

/** How lines are shown on a terminal. */
export interface TerminalStyle {
  readonly colours: Exclude<Colours, 'show'>
  /** Lines begin with a prefix that ends in `| `; it is coloured by service where `colours` are kept. */
  readonly hasPrefix: boolean
  /** Lines begin with a time and a space. */
  readonly hasTime: boolean
  /** The time has 35 characters rather than 30: an offset instead of a Z. */
  readonly isZoned?: boolean
  /** What is marked in a line; undefined: nothing. */
  readonly marks?: Matching['marks'] | undefined
}

const TIME_LENGTH = 31
const ZONED_LENGTH = 36
const BAR = '| '
/** A prefix is as good as constant per task; past so many they are made anew. */
const MAX_PREFIXES = 10_000

/** Makes the bytes of lines into text for a terminal: whole lines only, harmless, coloured by service. */
export class TerminalText {
  readonly #style: TerminalStyle
  readonly #decoder = new StringDecoder('utf8')
  readonly #prefixes = new Map<string, string>()
  #rest = ''

  constructor(style: TerminalStyle) {
    this.#style = style
  }

  /** Takes bytes, cut anywhere, and gives the lines that are whole now; '' when none is. */
  push(bytes: Buffer): string {
    const text = this.#decoder.write(bytes)
    let shown = ''
    let start = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      const line = text.slice(start, end)
      shown += `${this.#line(this.#rest === '' ? line : this.#rest + line)}\n`
      this.#rest = ''
      start = end + 1
    }
    this.#rest += text.slice(start)
    return shown
  }

  /** Gives the last line, which had no newline; '' when there is none. */
  end(): string {
    const line = this.#rest + this.#decoder.end()
    this.#rest = ''
    return line === '' ? '' : `${this.#line(line)}\n`
  }

  #line(line: string): string {
    const { hasPrefix, hasTime, isZoned } = this.#style
    const text = line.endsWith('\r') ? line.slice(0, -1) : line
    const start = hasTime ? (isZoned ? ZONED_LENGTH : TIME_LENGTH) : 0
    const bar = hasPrefix ? text.indexOf(BAR, start) : -1
    const end = bar === -1 ? start : bar + BAR.length
    const prefix = end > start ? this.#prefix(text.slice(start, end)) : ''
    return harmless(text.slice(0, start)) + prefix + this.#message(text.slice(end))
  }

  #message(text: string): string {
    const { colours, hasPrefix, marks } = this.#style
    const shown = harmless(text, colours)
    const seen = marks === undefined ? shown : marked(shown, marks)
    // Colours of its own say what the line wants to say.
    const tint = hasPrefix && colours === 'keep' && !shown.includes('\x1b') ? tintOf(shown) : undefined
    return tint === undefined ? seen : `\x1b[${tint}m${seen}\x1b[0m`
  }

  #prefix(prefix: string): string {
    const known = this.#prefixes.get(prefix)
    if (known !== undefined) return known
    if (this.#prefixes.size >= MAX_PREFIXES) this.#prefixes.clear()
    const plain = harmless(prefix)
    const shown = this.#style.colours === 'keep' ? inColourOf(serviceOf(plain), plain) : plain
    this.#prefixes.set(prefix, shown)
    return shown
  }
}
