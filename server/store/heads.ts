import type { LogStream } from '../../shared/record.ts'
import { formatTime } from '../../shared/time.ts'
import type { LineFormat } from './store.ts'

/** What stands before printed messages; keeps the prefix of each stream. */
export class Heads {
  readonly #format: LineFormat
  readonly #prefixes = new Map<LogStream, string>()

  constructor(format: LineFormat) {
    this.#format = format
  }

  /** A line as text; a message of several lines (foreign senders have them) has its head before each. */
  lineOf(stream: LogStream, time: bigint, message: string): string {
    const head = this.#head(stream, time)
    return message.includes('\n') ? `${head}${message.replaceAll('\n', () => `\n${head}`)}\n` : `${head}${message}\n`
  }

  #head(stream: LogStream, time: bigint): string {
    let prefix = this.#prefixes.get(stream)
    if (prefix === undefined) {
      prefix = this.#format.prefix(stream)
      this.#prefixes.set(stream, prefix)
    }
    return this.#format.timestamps ? `${formatTime(time)} ${prefix}` : prefix
  }
}
