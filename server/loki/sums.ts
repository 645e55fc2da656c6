/** Adds up numbers by window. */
export class Sums {
  /** What begins to count with a window, less what ended with the one before. */
  readonly #amounts: Float64Array
  readonly #lines: Float64Array

  constructor(count: number) {
    this.#amounts = new Float64Array(count + 1)
    this.#lines = new Float64Array(count + 1)
  }

  /** Adds to the windows from the first to the last. */
  add([first, last]: readonly [number, number], amount: number, lines: number): void {
    for (const [sums, value] of [[this.#amounts, amount] as const, [this.#lines, lines] as const]) {
      sums[first] = (sums[first] ?? 0) + value
      sums[last + 1] = (sums[last + 1] ?? 0) - value
    }
  }

  /** The sum of each window; undefined where there was no line. */
  values(divisor: number): (number | undefined)[] {
    let [amount, lines] = [0, 0]
    return Array.from({ length: this.#amounts.length - 1 }, (_, at) => {
      amount += this.#amounts[at] ?? 0
      lines += this.#lines[at] ?? 0
      return lines === 0 ? undefined : amount / divisor
    })
  }
}
