import type { Source } from '../../shared/record.ts'
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
}

/** Opens stdout and stderr for lines. */
export async function openPrinter(look: Look): Promise<Printer> {
  const { stdout, stderr } = process
  return new Printer({ stdout: await openOutput(stdout, look), stderr: await openOutput(stderr, look) })
}

/** Where lines go: untouched into pipes and files, made harmless on a terminal. Each write is awaited until the reader has taken it. */
export class Printer {
  readonly #outputs: Readonly<Record<Source, Output>>
  #hasPrinted = false

  constructor(outputs: Readonly<Record<Source, Output>>) {
    this.#outputs = outputs
  }

  /** Something was printed. */
  get hasPrinted(): boolean {
    return this.#hasPrinted
  }

  /** Prints bytes of lines, cut anywhere. */
  async print(source: Source, bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return
    this.#hasPrinted = true
    await this.#outputs[source].write(bytes)
  }

  /** Prints what is left of a last line that had no newline. */
  async end(): Promise<void> {
    await this.#outputs.stdout.end()
    await this.#outputs.stderr.end()
  }
}

class Output {
  readonly #stream: NodeJS.WriteStream
  readonly #text: TerminalText | undefined

  constructor(stream: NodeJS.WriteStream, text: TerminalText | undefined) {
    this.#stream = stream
    this.#text = text
  }

  write(bytes: Buffer): Promise<void> {
    return this.#send(this.#text === undefined ? bytes : this.#text.push(bytes))
  }

  end(): Promise<void> {
    return this.#send(this.#text?.end() ?? '')
  }

  async #send(content: Buffer | string): Promise<void> {
    if (content.length === 0 || this.#stream.write(content)) return
    await new Promise((resolve) => this.#stream.once('drain', resolve))
  }
}

async function openOutput(stream: NodeJS.WriteStream, look: Look): Promise<Output> {
  if (!stream.isTTY && look.colour !== 'always') return new Output(stream, undefined)
  // Pipes and files need none of it, and scripts should start fast.
  const { TerminalText } = await import('./terminal-text.ts')
  return new Output(stream, new TerminalText(styleOf(look)))
}

function styleOf({ colour, isPlainTerminal, hasPrefix, hasTime }: Look): TerminalStyle {
  const isColoured = colour === 'always' || (colour === 'auto' && !isPlainTerminal)
  return { colours: isColoured ? 'keep' : 'drop', hasPrefix, hasTime }
}
