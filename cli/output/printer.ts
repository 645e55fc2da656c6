import type { Writable } from 'node:stream'
import type { Source } from '../../shared/record.ts'
import type { Matching } from './matching.ts'
import type { TerminalStyle, TerminalText } from './terminal-text.ts'

/** --color: `auto` is colour on a terminal, `always` treats pipes and files as one. */
export type ColourChoice = 'auto' | 'always' | 'never'

/** What decides how lines look. */
export interface Look {
  readonly colour: ColourChoice
  /** NO_COLOR or TERM=dumb. */
  readonly isPlainTerminal: boolean
  readonly hasPrefix: boolean
  readonly hasTime: boolean
  /** Makes what the lines of an output go through before they are shown; undefined: they stay as they are. */
  readonly stage?: ((source: Source) => Stage | undefined) | undefined
  /** Finds what is marked in a line on a terminal. */
  readonly marks?: Matching['marks'] | undefined
  /** Times have the length of those with an offset, not of those with a Z. */
  readonly isZoned?: boolean
  /** $PAGER, which shows all of it instead of the terminal. */
  readonly pager?: Writable | undefined
}

/** Takes bytes of lines, cut anywhere, and gives whole lines. */
interface Stage {
  push(bytes: Buffer): string
  end(): string
}

/** Opens stdout and stderr for lines. */
export async function openPrinter(look: Look): Promise<Printer> {
  const { stdout, stderr } = process
  return new Printer({
    stdout: await openOutput(stdout, look, look.stage?.('stdout')),
    stderr: await openOutput(stderr, look, look.stage?.('stderr')),
  })
}

/** Where lines go: untouched into pipes and files, made harmless on a terminal. Each write is awaited until the reader has taken it. */
export class Printer {
  readonly #outputs: Readonly<Record<Source, Output>>

  constructor(outputs: Readonly<Record<Source, Output>>) {
    this.#outputs = outputs
  }

  /** Something was printed. */
  get hasPrinted(): boolean {
    return this.#outputs.stdout.hasPrinted || this.#outputs.stderr.hasPrinted
  }

  /** Prints bytes of lines, cut anywhere. */
  async print(source: Source, bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return
    await this.#outputs[source].write(bytes)
  }

  /** Prints what is left of a last line that had no newline. */
  async end(): Promise<void> {
    await this.#outputs.stdout.end()
    await this.#outputs.stderr.end()
  }
}

class Output {
  readonly #stream: Writable
  readonly #stage: Stage | undefined
  readonly #text: TerminalText | undefined
  hasPrinted = false

  constructor(stream: Writable, stage: Stage | undefined, text: TerminalText | undefined) {
    this.#stream = stream
    this.#stage = stage
    this.#text = text
  }

  write(bytes: Buffer): Promise<void> {
    return this.#show(this.#stage === undefined ? bytes : this.#stage.push(bytes))
  }

  async end(): Promise<void> {
    if (this.#stage !== undefined) await this.#show(this.#stage.end())
    await this.#send(this.#text?.end() ?? '')
  }

  #show(lines: Buffer | string): Promise<void> {
    if (lines.length > 0) this.hasPrinted = true
    if (this.#text === undefined) return this.#send(lines)
    return this.#send(this.#text.push(typeof lines === 'string' ? Buffer.from(lines) : lines))
  }

  async #send(content: Buffer | string): Promise<void> {
    if (content.length === 0 || this.#stream.write(content)) return
    await new Promise((resolve) => this.#stream.once('drain', resolve))
  }
}

async function openOutput(stream: NodeJS.WriteStream, look: Look, stage: Stage | undefined): Promise<Output> {
  const shown = look.pager ?? stream
  if (!stream.isTTY && look.pager === undefined && look.colour !== 'always') return new Output(shown, stage, undefined)
  // Pipes and files need none of it, and scripts should start fast.
  const { TerminalText } = await import('./terminal-text.ts')
  return new Output(shown, stage, new TerminalText(styleOf(look)))
}

function styleOf(look: Look): TerminalStyle {
  const { colour, isPlainTerminal, hasPrefix, hasTime, marks, isZoned } = look
  const isColoured = colour === 'always' || (colour === 'auto' && !isPlainTerminal)
  const style = { hasPrefix, hasTime, isZoned: isZoned === true }
  return { ...style, colours: isColoured ? 'keep' : 'drop', marks: isColoured ? marks : undefined }
}
