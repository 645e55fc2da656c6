import type { Effect, Event, Step } from './event.ts'
import type { Mouse } from './mouse.ts'
import type { State } from './state.ts'
import { update } from './update/update.ts'

/** A second has so many frames at most: of what comes in by itself half as many, so that a key finds room at once. */
const MAX_FRAMES = 20
const IDLE_MS = 100
/** Keys that come faster share frames: else a burst of them would use up those of the whole second, and then wait. */
const KEYS_MS = 50
const SECOND_MS = 1000

/** Holds the state, and says when to draw it: at once for a key, ten times a second for lines, never more than 20 times a second. */
export class Loop {
  readonly #run: (effect: Effect) => void
  readonly #listeners = new Set<() => void>()
  readonly #drawn: number[] = []
  #state: State
  #frame: State
  #timer: NodeJS.Timeout | undefined
  #due = Number.POSITIVE_INFINITY
  #isUrgent = false
  /** When a key was last answered. */
  #answered = Number.NEGATIVE_INFINITY

  readonly #now: () => number

  constructor(state: State, run: (effect: Effect) => void, now: () => number = Date.now) {
    this.#now = now
    this.#state = state
    this.#frame = state
    this.#run = run
  }

  get state(): State {
    return this.#state
  }

  readonly frame = (): State => this.#frame

  readonly subscribe = (changed: () => void): (() => void) => {
    this.#listeners.add(changed)
    return () => this.#listeners.delete(changed)
  }

  readonly press = (keys: readonly string[]): void => {
    for (const key of keys) this.dispatch({ kind: 'key', key, now: this.#now() })
  }

  readonly point = (mouse: Mouse): void => this.dispatch({ kind: 'mouse', mouse })

  readonly dispatch = (event: Event): void => {
    this.step((state) => update(state, event), event.kind === 'key' || event.kind === 'mouse' || event.kind === 'size')
  }

  /** Takes a step of its own, such as the first one. */
  step(take: (state: State) => Step<State>, isUrgent: boolean): void {
    const [state, ...effects] = take(this.#state)
    const isChanged = state !== this.#state
    this.#state = state
    for (const effect of effects) this.#run(effect)
    if (isChanged) this.#plan(isUrgent)
  }

  /** Draws no more. */
  close(): void {
    clearTimeout(this.#timer)
    this.#listeners.clear()
  }

  #plan(isUrgent: boolean): void {
    const now = performance.now()
    const last = this.#drawn.at(-1) ?? Number.NEGATIVE_INFINITY
    const oldest = this.#drawn.length < MAX_FRAMES ? Number.NEGATIVE_INFINITY : (this.#drawn[0] ?? 0)
    const due = Math.max(now, oldest + SECOND_MS, isUrgent ? this.#answered + KEYS_MS : last + IDLE_MS)
    this.#isUrgent ||= isUrgent
    if (due >= this.#due) return
    clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => this.#draw(), due - now)
  }

  #draw(): void {
    this.#due = Number.POSITIVE_INFINITY
    const now = performance.now()
    if (this.#isUrgent) this.#answered = now
    this.#isUrgent = false
    this.#drawn.push(now)
    if (this.#drawn.length > MAX_FRAMES) this.#drawn.shift()
    // A new object: the window in it changes in place.
    this.#frame = { ...this.#state }
    for (const changed of this.#listeners) changed()
  }
}
