import type { Source, StoredRecord } from '../../shared/record.ts'
import { Heads } from './heads.ts'
import type { LineFormat, PrintedRun } from './store.ts'

/** Writes records as text. */
export class Printer {
  readonly #heads: Heads

  constructor(format: LineFormat) {
    this.#heads = new Heads(format)
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
      text += this.#heads.lineOf(stream, time, message)
    }
    if (current !== undefined) runs.push({ source: current, text })
    return runs
  }
}
