import { StringDecoder } from 'node:string_decoder'
import { Around } from './around.ts'
import type { Matching } from './matching.ts'
import { zoned } from './zoned.ts'

/** What is done to printed lines before they are shown. */
export interface StageOptions {
  readonly matching: Matching | undefined
  /** --context: so many lines around each that matches; 0: none. */
  readonly around: number
  /** --timezone; undefined: times stay as they are. */
  readonly zone: string | undefined
  /** Lines begin with service, task and node, and a bar. */
  readonly hasPrefix: boolean
  /** Lines begin with a time. */
  readonly hasTime: boolean
}

const TIME_LENGTH = 31
const BAR = '| '
const COLOURS = /\x1b\[[0-9;:]*m/g

/** Leaves lines out and rewrites their times; bytes come cut anywhere, and go as whole lines. */
export class LineStage {
  readonly #options: StageOptions
  readonly #around: Around<string> | undefined
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''

  constructor(options: StageOptions) {
    this.#options = options
    this.#around = options.around > 0 ? new Around(options.around) : undefined
  }

  /** Takes bytes and gives the lines that are to be shown now. */
  push(bytes: Buffer): string {
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n')
    this.#rest = lines.pop() ?? ''
    return lines.map((line) => this.#line(line)).join('')
  }

  /** Gives the last line, which had no newline. */
  end(): string {
    const line = this.#rest + this.#decoder.end()
    this.#rest = ''
    return line === '' ? '' : this.#line(line)
  }

  #line(line: string): string {
    const { matching, hasPrefix, hasTime } = this.#options
    const start = hasTime ? TIME_LENGTH : 0
    const bar = hasPrefix ? line.indexOf(BAR, start) : -1
    const head = bar === -1 ? start : bar + BAR.length
    const isHit = matching === undefined || matching.takes(withoutColours(line.slice(head)))
    if (this.#around === undefined) return isHit ? `${this.#timed(line)}\n` : ''
    const shown = this.#around.push(line.slice(start, head), line, isHit)
    return shown.map((one) => `${this.#timed(one)}\n`).join('')
  }

  #timed(line: string): string {
    const { zone, hasTime } = this.#options
    if (zone === undefined || !hasTime) return line
    return zoned(line.slice(0, TIME_LENGTH - 1), zone) + line.slice(TIME_LENGTH - 1)
  }
}

/** What a colour is before or amid must not keep a regex from matching. */
function withoutColours(text: string): string {
  return text.includes('\x1b') ? text.replace(COLOURS, '') : text
}
