/** Containers whose last lines are remembered; beyond, those that were silent for longest are forgotten. */
const MAX_KEYS = 1_000

/** --context: lets lines around hits through, so many before and after, of the same task. */
export class Around<Line> {
  readonly #count: number
  /** Of each task: what came last and was not shown, and how many are still to be. */
  readonly #tasks = new Map<string, { before: Line[]; after: number }>()

  constructor(count: number) {
    this.#count = count
  }

  /** Takes a line and gives what is to be shown now, in order. */
  push(key: string, line: Line, isHit: boolean): Line[] {
    const task = this.#tasks.get(key) ?? { before: [], after: 0 }
    this.#tasks.delete(key)
    this.#tasks.set(key, task)
    if (this.#tasks.size > MAX_KEYS) this.#forget()
    if (isHit) {
      task.after = this.#count
      return [...task.before.splice(0), line]
    }
    if (task.after > 0) {
      task.after--
      return [line]
    }
    task.before.push(line)
    if (task.before.length > this.#count) task.before.shift()
    return []
  }

  #forget(): void {
    const [oldest] = this.#tasks.keys()
    if (oldest !== undefined) this.#tasks.delete(oldest)
  }
}
