import type { DirectLine } from '../../shared/direct.ts'
import type { Source } from '../../shared/record.ts'

/** How far a log was read: the last line of each source. */
export class Reached {
  readonly #last = new Map<Source, Pick<DirectLine, 'time' | 'ordinal'>>()

  /** Nothing was read yet. */
  get isEmpty(): boolean {
    return this.#last.size === 0
  }

  /** The newest time that was read; undefined: none. */
  get time(): bigint | undefined {
    let newest: bigint | undefined
    for (const { time } of this.#last.values()) if (newest === undefined || time > newest) newest = time
    return newest
  }

  /** Whether a line comes behind what was read. */
  isBefore({ source, time, ordinal }: DirectLine): boolean {
    const last = this.#last.get(source)
    return last === undefined || time > last.time || (time === last.time && ordinal > last.ordinal)
  }

  /** These lines were read. */
  note(lines: readonly DirectLine[]): void {
    for (const line of lines) if (this.isBefore(line)) this.#last.set(line.source, line)
  }

  /** Lines before the first of the newest ones are not wanted, whatever their source: one may have none among these. */
  begin(first: DirectLine | undefined): void {
    if (first === undefined) return
    for (const source of ['stdout', 'stderr'] as const) this.#last.set(source, { time: first.time - 1n, ordinal: 0 })
  }
}
