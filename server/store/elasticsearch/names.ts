const DAY_NS = 86_400_000_000_000n

/** What the name of an index of ours says. */
export interface ParsedName {
  /** Lines by the day of their time, late ones of a day whose index is closed, lines of odd times and refused ones by the day of their arrival. */
  readonly kind: 'lines' | 'late' | 'odd' | 'dead'
  readonly day: string
  /** Of an index of late lines; else 0. */
  readonly number: number
}

/** The names of our indices, template and alias; all begin with the prefix, which is the alias. */
export class Names {
  readonly alias: string
  readonly meta: string
  readonly gaps: string
  readonly #pattern: RegExp

  constructor(prefix: string) {
    this.alias = prefix
    this.meta = `${prefix}-meta`
    this.gaps = `${prefix}-gaps`
    this.#pattern = new RegExp(
      `^${prefix.replaceAll('.', '\\.')}-(?:(odd-|dead-)?(\\d{4}\\.\\d\\d\\.\\d\\d)|late-(\\d{4}\\.\\d\\d\\.\\d\\d)\\.(\\d{1,6}))$`,
    )
  }

  /** The index of a day's lines; of those whose time is out of all reason, by the day of their arrival. */
  lines(day: string, isOdd: boolean): string {
    return `${this.alias}-${isOdd ? 'odd-' : ''}${day}`
  }

  /** An index of the lines of a day that came when its own took none any more; they are numbered from 1. */
  late(day: string, number: number): string {
    return `${this.alias}-late-${day}.${number}`
  }

  /** The index of the lines that Elasticsearch refused on a day. */
  dead(day: string): string {
    return `${this.alias}-dead-${day}`
  }

  /** What an index of ours holds; undefined for any other index. */
  parse(index: string): ParsedName | undefined {
    const [, kind, day, lateDay, number] = this.#pattern.exec(index) ?? []
    if (lateDay !== undefined) return { kind: 'late', day: lateDay, number: Number(number) }
    if (day === undefined) return undefined
    return { kind: kind === undefined ? 'lines' : kind === 'odd-' ? 'odd' : 'dead', day, number: 0 }
  }

  /** All day indices of lines, as a request takes it. */
  get allLines(): readonly string[] {
    return [`${this.alias}-2*`, `${this.alias}-odd-2*`, `${this.alias}-late-2*`]
  }

  /** All indices that may be ours, by which `parse` then chooses. */
  get all(): string {
    return `${this.alias}-*`
  }
}

/** UTC day of a time, 2026.11.21. */
export function dayOf(time: bigint): string {
  return new Date(Number(time / 1_000_000n)).toISOString().slice(0, 10).replaceAll('-', '.')
}

/** The first nanosecond of a day, and the first of the next. */
export function timesOfDay(day: string): { readonly start: bigint; readonly end: bigint } {
  const start = BigInt(Date.parse(day.replaceAll('.', '-'))) * 1_000_000n
  return { start, end: start + DAY_NS }
}
