import type { LogStream, Source, StoredRecord } from '../../../shared/record.ts'
import { formatTime } from '../../../shared/time.ts'
import type { LineFormat, PrintedRun } from '../store.ts'

/** Writes lines as text; keeps the prefix of each stream. */
export class Printer {
  readonly #format: LineFormat
  readonly #prefixes = new Map<LogStream, string>()

  constructor(format: LineFormat) {
    this.#format = format
  }

  /** The lines as text, consecutive ones of one source together. */
  runsOf(records: readonly StoredRecord[]): PrintedRun[] {
    const runs: PrintedRun[] = []
    let text = ''
    let current: Source | undefined
    for (const { source, stream, time, message } of records) {
      if (source !== current) {
        if (current !== undefined) runs.push({ source: current, text })
        text = ''
        current = source
      }
      text += printLine(message, this.#head(stream, time))
    }
    if (current !== undefined) runs.push({ source: current, text })
    return runs
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

/** A message of several lines (foreign senders have them) has its head before each. */
function printLine(message: string, head: string): string {
  return message.includes('\n') ? `${head}${message.replaceAll('\n', () => `\n${head}`)}\n` : `${head}${message}\n`
}
