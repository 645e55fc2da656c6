import type { Source } from '../../shared/record.ts'
import type { Line } from '../lines.ts'
import { fingerprint } from './fingerprint.ts'

/** A source's last line. */
interface Last {
  readonly seconds: number
  readonly nanos: number
  readonly print: number
}

/**
 * Notices lines that a followed log shows a second time: engine 20.10 begins a file anew when it is told twice that it was
 * rotated. A repeated line has a time before that of its source's last line, or is that very line.
 */
export class Replays {
  readonly #last: Partial<Record<Source, Last>> = {}

  /** Index of the first line that may be a repetition; -1 when there is none. */
  find(lines: readonly Line[]): number {
    const before: Partial<Record<Source, Line>> = {}
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i] as Line
      if (this.#isRepeated(line, before[line.source])) return i
      before[line.source] = line
    }
    for (const line of Object.values(before)) {
      this.#last[line.source] = { seconds: line.seconds, nanos: line.nanos, print: fingerprint(line) }
    }
    return -1
  }

  #isRepeated(line: Line, inBatch: Line | undefined): boolean {
    const last = inBatch ?? this.#last[line.source]
    if (!last || line.seconds > last.seconds) return false
    if (line.seconds < last.seconds || line.nanos < last.nanos) return true
    return line.nanos === last.nanos && fingerprint(line) === ('print' in last ? last.print : fingerprint(last))
  }
}
