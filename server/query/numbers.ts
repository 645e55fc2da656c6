/** Numbers of one group: their sum, ends and quantiles. */
export class Numbers {
  #values = new Float64Array(16)
  #count = 0
  #isSorted = true

  get count(): number {
    return this.#count
  }

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(2 * this.#count)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.#count++] = value
    this.#isSorted = false
  }

  /** Of at least one number. */
  told(quantiles: readonly number[]): {
    count: number
    sum: number
    avg: number
    min: number
    max: number
    quantiles: Record<string, number>
  } {
    const sum = finite(sumOf(this.#values.subarray(0, this.#count)))
    return {
      ...{ count: this.#count, sum, avg: sum / this.#count },
      ...{ min: this.#quantile(0), max: this.#quantile(1) },
      quantiles: Object.fromEntries(quantiles.map((share) => [String(share), this.#quantile(share)])),
    }
  }

  #quantile(share: number): number {
    const values = this.#values.subarray(0, this.#count)
    if (!this.#isSorted) values.sort()
    this.#isSorted = true
    const place = share * (this.#count - 1)
    const [low, high] = [values[Math.floor(place)] ?? 0, values[Math.ceil(place)] ?? 0]
    const part = place - Math.floor(place)
    return low * (1 - part) + high * part
  }
}

/** Neumaier's sum: the same whatever the order, but for the last digit. */
function sumOf(values: Float64Array): number {
  let [sum, rest] = [0, 0]
  for (const value of values) {
    const next = sum + value
    rest += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum
    sum = next
  }
  return sum + rest
}

/** JSON has no infinity. */
function finite(value: number): number {
  if (Number.isFinite(value)) return value
  return value < 0 ? -Number.MAX_VALUE : Number.MAX_VALUE
}
