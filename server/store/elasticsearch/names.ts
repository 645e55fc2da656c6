const DAY_NS = 86_400_000_000_000n

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
    this.#pattern = new RegExp(`^${prefix.replaceAll('.', '\\.')}-(odd-|dead-)?(\\d{4}\\.\\d\\d\\.\\d\\d)$`)
  }

  /** The index of a day's lines; of those whose time is out of all reason, by the day of their arrival. */
  lines(day: string, isOdd: boolean): string {
    return `${this.alias}-${isOdd ? 'odd-' : ''}${day}`
  }

  /** The index of the lines that Elasticsearch refused on a day. */
  dead(day: string): string {
    return `${this.alias}-dead-${day}`
  }

  /** What an index of ours holds; undefined for any other index. */
  parse(index: string): { readonly kind: 'lines' | 'odd' | 'dead'; readonly day: string } | undefined {
    const [, kind, day] = this.#pattern.exec(index) ?? []
    if (day === undefined) return undefined
    return { kind: kind === undefined ? 'lines' : kind === 'odd-' ? 'odd' : 'dead', day }
  }

  /** All day indices of lines, as a request takes it. */
  get allLines(): readonly string[] {
    return [`${this.alias}-2*`, `${this.alias}-odd-2*`]
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
